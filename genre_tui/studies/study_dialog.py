"""What a study is about, in full."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from genre_tui.shell.dialog import Dialog
from genre_tui.studies.study_rows import StudyLine
from genre_tui.studies.study_text import about_text, variants_table


class StudyDialog(Dialog[bool]):
    """A study in full; its result is whether to start it.

    Args:
        line: of the study.
    """

    DEFAULT_CSS = """
    StudyDialog > #box { width: 90; max-width: 100%; scrollbar-size-vertical: 1; }
    StudyDialog .dim { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "start", "New run"),
        Binding("enter", "close", "Close"),
    ]

    def __init__(self, line: StudyLine) -> None:
        super().__init__()
        self._line = line

    def compose(self) -> ComposeResult:
        """All that there is, to scroll through."""
        with VerticalScroll(id="box"):
            yield Static(Text(self._line.name), classes="title")
            yield Static(about_text(self._line))
            if self._line.study is not None:
                yield Static(variants_table(self._line.study))
            yield Static(Text("n starts it, Esc closes"), classes="dim")

    def action_start(self) -> None:
        """Close it, and start the study."""
        self.dismiss(True)
