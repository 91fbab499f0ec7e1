"""What the process that makes a dataset prints."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import RichLog, Static

from data.terminal.text import clean
from genre_tui.datasets.dataset_build import Making
from genre_tui.shell.confirm_dialog import ConfirmDialog
from genre_tui.shell.dialog import Dialog


class MakingDialog(Dialog[None]):
    """A view of a process; leaving it lets the process go on.

    Args:
        making: the process.
    """

    DEFAULT_CSS = """
    MakingDialog > #box { width: 96; max-width: 100%; height: 80%; }
    MakingDialog RichLog {
        height: 1fr; background: $surface; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    MakingDialog #state { margin-top: 1; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "leave", "Leave it running"),
        Binding("escape", "close", "Stop it, or close"),
    ]

    def __init__(self, making: Making) -> None:
        super().__init__()
        self._making = making
        self._shown = 0  # lines
        self._asked: ConfirmDialog | None = None

    def compose(self) -> ComposeResult:
        """The command, its lines, where it stands, keys."""
        with Vertical(id="box"):
            yield Static(Text(clean(self._making.source.command)), classes="dim")
            yield RichLog(wrap=True, markup=False, highlight=False, auto_scroll=True)
            yield Static(id="state")
            yield Static(id="keys", classes="dim")

    def on_mount(self) -> None:
        """Show what has been printed."""
        self.take()

    def take(self) -> None:
        """Show what is new."""
        lines = self._making.lines
        log = self.query_one(RichLog)
        for line in lines[self._shown :]:
            log.write(Text(line))
        self._shown = len(lines)
        self.query_one("#state", Static).update(Text(clean(self._making.state)))
        over = self._making.ended is not None
        if over and self._asked is not None and self._asked.is_current:
            self._asked.dismiss(None)  # there is nothing left to stop
        keys = "Esc closes" if over else "l leaves it running, Esc stops it"
        self.query_one("#keys", Static).update(Text(keys))

    def action_leave(self) -> None:
        """Close the view."""
        self.dismiss(None)

    def action_close(self) -> None:
        """Close the view of what has ended; else ask whether to end it."""
        if self._making.ended is not None or self._making.is_cancelled:
            self.dismiss(None)
            return
        name = self._making.source.name
        lines = ["What it has done so far is lost; nothing is written."]
        self._asked = ConfirmDialog(f"Stop making {name}?", lines, "stop it", "go on")
        self.app.push_screen(self._asked, self._answered)

    def _answered(self, yes: bool | None) -> None:
        self._asked = None
        if yes:
            self._making.cancel()
            self.take()
