"""One of a list, found by typing a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from genre_tui.screens.dialog import Dialog


class PickDialog(Dialog[str]):
    """A list; its result is the id of the entry that was chosen.

    Args:
        title: what is chosen.
        entries: ids and clean texts, in order.
        current: id of the entry to begin at.
    """

    DEFAULT_CSS = """
    PickDialog > #box { width: 90%; height: 90%; }
    PickDialog Input { border: none; height: 1; padding: 0; background: $panel; }
    PickDialog Input:focus { border: none; }
    PickDialog OptionList { height: 1fr; border: none; padding: 0; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "go('cursor_down')", "Next"),
        Binding("up", "go('cursor_up')", "Previous"),
        Binding("pagedown", "go('page_down')", "Page down"),
        Binding("pageup", "go('page_up')", "Page up"),
    ]

    def __init__(
        self, title: str, entries: Sequence[tuple[str, Text]], current: str | None = None
    ) -> None:
        super().__init__()
        self._title, self._entries, self._current = title, entries, current

    def compose(self) -> ComposeResult:
        """What is chosen, a line to type in, the list."""
        with Vertical(id="box"):
            yield Static(Text(self._title), classes="title")
            yield Input(placeholder="type to find, Enter to choose", id="part")
            yield OptionList(id="entries")

    def on_mount(self) -> None:
        """Show all."""
        self._fill("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show entries that have all of the words."""
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose the entry under the cursor."""
        entries = self.query_one(OptionList)
        if entries.highlighted is not None:
            self.dismiss(entries.get_option_at_index(entries.highlighted).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Choose what was clicked."""
        self.dismiss(event.option_id)

    def action_go(self, where: str) -> None:
        """Move the list's cursor, while the keyboard types."""
        getattr(self.query_one(OptionList), f"action_{where}")()

    def _fill(self, part: str) -> None:
        words = part.casefold().split()
        found = [
            (name, text)
            for name, text in self._entries
            if all(word in text.plain.casefold() for word in words)
        ]
        entries = self.query_one(OptionList)
        entries.clear_options()
        entries.add_options([Option(text, id=name) for name, text in found])
        names = [name for name, _ in found]
        if names:
            entries.highlighted = names.index(self._current) if self._current in names else 0
