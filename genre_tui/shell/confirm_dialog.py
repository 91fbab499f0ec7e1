"""A yes/no question before something that cannot be undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from genre_tui.shell.dialog import Dialog

_MOST_LINES = 10


class ConfirmDialog(Dialog[bool]):
    """A question with details: `y` is yes, Escape, `n` and Enter are no.

    Args:
        question: such as "Remove 2 runs?".
        lines: details, one each.
        yes: meaning of yes, such as "remove them".
        no: meaning of no, such as "keep them".
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
        self._question, self._yes, self._no = question, yes, no
        self._lines = self._first(lines)

    def compose(self) -> ComposeResult:
        """The question, the details, the answers."""
        with Vertical(id="box"):
            yield Static(Text(self._question), id="question")
            yield Static(Text("\n".join(self._lines)), id="about")
            yes, no = (("y", "bold"), f" {self._yes}   "), (("Esc", "bold"), f" {self._no}")
            answers = Text.assemble(*yes, *no)
            yield Static(answers, id="answers")

    def set_question(self, question: str, lines: Sequence[str]) -> None:
        """Replace question and details, once more is known."""
        self.query_one("#question", Static).update(Text(question))
        self.query_one("#about", Static).update(Text("\n".join(self._first(lines))))

    @staticmethod
    def _first(lines: Sequence[str]) -> list[str]:
        more = len(lines) - _MOST_LINES
        first = list(lines[:_MOST_LINES])
        return [*first, f"and {more} more"] if more > 0 else first

    def action_agree(self) -> None:
        """Yes."""
        self.dismiss(True)
