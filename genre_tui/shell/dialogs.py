"""Base of the dialogs, a yes/no question, and a list to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from genre_tui.widgets.columns import Column
from genre_tui.widgets.row_table import RowTable

if TYPE_CHECKING:
    from genre_tui.shell.base_app import BaseApp

Result = TypeVar("Result")
Entry = tuple[str, Text]  # id and text
_MOST_LINES = 10  # of a question's details


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """A dialog whose content is one widget with the id "box"; its result is None on Escape.

    A button with the id "close" closes it.
    """

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > #box {
        width: auto; max-width: 90%; height: auto; max-height: 90%;
        padding: 0 1; border: round $accent; background: $surface; scrollbar-size-vertical: 1;
    }
    Dialog > #box.wide { width: 90%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    if TYPE_CHECKING:

        @property
        def app(self) -> BaseApp:  # type: ignore[override]
            """The application."""

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close it without a result."""
        self.dismiss(None)

    def put(self, selector: str, text: str | Text) -> None:
        """Set the text of a Static."""
        self.query_one(selector, Static).update(Text(text) if isinstance(text, str) else text)


class ConfirmDialog(Dialog[bool]):
    """A question with details: `y` is yes, Escape, `n` and Enter are no.

    `yes` and `no` are meanings of the answers, such as "remove them" and "keep them".
    """

    DEFAULT_CSS = """
    ConfirmDialog > #box { width: 72; }
    ConfirmDialog #question { text-style: bold; }
    ConfirmDialog #answers { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "Yes"),
        Binding("n,enter", "close", "No"),
    ]

    def __init__(self, question: str, lines: Sequence[str], yes: str, no: str) -> None:
        super().__init__()
        self._question, self._lines, self._yes, self._no = question, lines, yes, no

    def compose(self) -> ComposeResult:
        """The question, the details, the answers."""
        with Vertical(id="box"):
            yield Static(id="question")
            yield Static(id="about")
            yes, no = (("y", "bold"), f" {self._yes}   "), (("Esc", "bold"), f" {self._no}")
            yield Static(Text.assemble(*yes, *no), id="answers")

    def on_mount(self) -> None:
        """Show question and details."""
        self.set_question(self._question, self._lines)

    def set_question(self, question: str, lines: Sequence[str]) -> None:
        """Replace question and details, once more is known."""
        more = len(lines) - _MOST_LINES
        first = [*lines[:_MOST_LINES], *([f"and {more} more"] if more > 0 else [])]
        self.put("#question", question)
        self.put("#about", "\n".join(first))

    def action_agree(self) -> None:
        """Close it with yes."""
        self.dismiss(True)


class PickDialog(Dialog[str]):
    """A list, filtered by typing; the result is the id of the chosen entry."""

    DEFAULT_CSS = """
    PickDialog > #box { width: 90%; height: 90%; }
    PickDialog Input { background: $panel; }
    PickDialog RowTable { background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Next"),
        Binding("up", "move(-1)", "Previous"),
        Binding("pagedown", "page(1)", "Page down"),
        Binding("pageup", "page(-1)", "Page up"),
    ]

    def __init__(self, title: str, entries: Sequence[Entry], current: str = "") -> None:
        super().__init__()
        self._title, self._entries, self._current = title, entries, current

    def compose(self) -> ComposeResult:
        """Title, input line, list."""
        with Vertical(id="box"):
            yield Static(Text(self._title), classes="title")
            yield Input(placeholder="type to find, Enter to choose", compact=True)
            count = f"{len(self._entries)} of them"
            column = Column[Entry]("what", count, 20, lambda entry: entry[1], grows=1)
            yield RowTable([column], lambda entry: entry[0], id="entries")

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

    def on_input_submitted(self) -> None:
        """Choose the entry under the cursor."""
        self._table.action_choose()

    def on_row_table_chosen(self, event: RowTable.Chosen) -> None:
        """Close with the chosen entry."""
        self.dismiss(event.item[0])

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
            self._table.move_to(found[0][0])
        if not part:
            self._table.move_to(self._current)
