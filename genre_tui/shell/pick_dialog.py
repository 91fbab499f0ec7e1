"""A dialog to choose an entry of a list, filtered by typing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from genre_tui.shell.dialog import Dialog
from genre_tui.widgets.row_table import Column, RowTable

Entry = tuple[str, Text]  # id and text


class PickDialog(Dialog[str]):
    """A list; the result is the id of the chosen entry.

    Args:
        title: of the dialog.
        entries: ids and texts, in order.
        current: id of the entry under the cursor at first.
    """

    DEFAULT_CSS = """
    PickDialog > #box { width: 90%; height: 90%; }
    PickDialog Input { border: none; height: 1; padding: 0; background: $panel; }
    PickDialog Input:focus { border: none; }
    PickDialog RowTable { background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Next"),
        Binding("up", "move(-1)", "Previous"),
        Binding("pagedown", "page(1)", "Page down"),
        Binding("pageup", "page(-1)", "Page up"),
    ]

    def __init__(self, title: str, entries: Sequence[Entry], current: str | None = None) -> None:
        super().__init__()
        self._title, self._entries, self._current = title, entries, current

    def compose(self) -> ComposeResult:
        """Title, input line, list."""
        with Vertical(id="box"):
            yield Static(Text(self._title), classes="title")
            yield Input(placeholder="type to find, Enter to choose", id="part")
            text = Column[Entry]("what", f"{len(self._entries)} of them", 20, _text, grows=1)
            yield RowTable([text], _name, id="entries")

    @property
    def _table(self) -> RowTable[Entry]:
        return self.query_one("#entries", RowTable)

    def on_mount(self) -> None:
        """Show all entries."""
        self._fill("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the entries that contain all words."""
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose the entry under the cursor."""
        if self._table.item is not None:
            self.dismiss(_name(self._table.item))

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """Choose the clicked entry."""
        self.dismiss(_name(event.item))

    def action_move(self, rows: int) -> None:
        """Move the list's cursor, while the input line has the focus."""
        self._table.action_move(rows)

    def action_page(self, pages: int) -> None:
        """Move the list's cursor by pages."""
        self._table.action_page(pages)

    def _fill(self, part: str) -> None:
        words = part.casefold().split()
        found = [
            entry
            for entry in self._entries
            if all(word in entry[1].plain.casefold() for word in words)
        ]
        self._table.show(found, "Nothing is called so.")
        if found:
            self._table.move_to(_name(found[0]))
        if not part:
            self._table.move_to(self._current or "")


def _name(entry: Entry) -> str:
    return entry[0]


def _text(entry: Entry) -> Text:
    return entry[1]
