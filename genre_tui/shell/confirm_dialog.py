"""Asks before something is done that cannot be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from data.terminal.text import clean
from genre_tui.shell.dialog import Dialog

_MOST_LINES = 10


class ConfirmDialog(Dialog[bool]):
    """A question with what it is about. `y` says yes; all else leaves things as they are.

    Args:
        question: such as "Remove 2 runs?".
        lines: what it is about, one thing a line.
        yes: what is done, such as "remove them".
        no: what becomes of it otherwise, such as "keep them".
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
        self._question, self._yes, self._no = clean(question), clean(yes), clean(no)
        self._lines = self._first(lines)

    def compose(self) -> ComposeResult:
        """The question, what it is about, the answers."""
        with Vertical(id="box"):
            yield Static(Text(self._question), id="question")
            yield Static(Text("\n".join(self._lines)), id="about")
            yes, no = (("y", "bold"), f" {self._yes}   "), (("Esc", "bold"), f" {self._no}")
            answers = Text.assemble(*yes, *no)
            yield Static(answers, id="answers")

    def tell(self, question: str, lines: Sequence[str]) -> None:
        """Say it anew, once more is known."""
        self.query_one("#question", Static).update(Text(clean(question)))
        self.query_one("#about", Static).update(Text("\n".join(self._first(lines))))

    @staticmethod
    def _first(lines: Sequence[str]) -> list[str]:
        more = len(lines) - _MOST_LINES
        first = [clean(line) for line in lines[:_MOST_LINES]]
        return [*first, f"and {more} more"] if more > 0 else first

    def action_agree(self) -> None:
        """Yes."""
        self.dismiss(True)
