"""The input line of a filter of runs, with the number of matches or an error below it."""

from __future__ import annotations

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from genre_tui.runs.run_filter import HELP, RunFilter, parse_filter
from genre_tui.widgets.status_text import StatusText


class FilterLine(Vertical):
    """An input line that is hidden until it is opened."""

    DEFAULT_CSS = """
    FilterLine { height: auto; display: none; }
    FilterLine.-open { display: block; }
    FilterLine Horizontal { height: 1; }
    FilterLine Static { width: 2; }
    FilterLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    FilterLine StatusText { width: 1fr; height: auto; max-height: 2; color: $text-muted; }
    """

    class Changed(Message):
        """The text has changed."""

    class Done(Message):
        """The user has finished typing."""

    def compose(self) -> ComposeResult:
        """Input line and message."""
        with Horizontal():
            yield Static("/ ")
            # Disabled while hidden: otherwise it gets the focus when all else is hidden, too.
            yield Input(placeholder="state:running f1>70 age<2d cnn", compact=True, disabled=True)
        yield StatusText()

    @property
    def value(self) -> str:
        """The typed text."""
        return self.query_one(Input).value

    @property
    def filter(self) -> RunFilter:
        """The filter; terms that are wrong are left out."""
        return parse_filter(self.value)[0]

    def open(self) -> None:
        """Show and focus it."""
        self.add_class("-open")
        line = self.query_one(Input)
        line.disabled = False
        line.focus()

    def close(self) -> None:
        """Empty and hide it."""
        self.remove_class("-open")
        line = self.query_one(Input)
        line.value, line.disabled = "", True

    def show_matches(self, found: int, of: int) -> None:
        """Show how many runs match, or what is wrong and what is allowed."""
        _, problem = parse_filter(self.value)
        counted = f"{found} of {of} runs.  " if self.value else ""
        text = Text(problem) if problem else Text(f"{counted}{HELP}", "dim")
        self.query_one(StatusText).set_text(text, layout=True)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not parse_filter(self.value)[1]:
            self.post_message(self.Done())

    def on_key(self, event: events.Key) -> None:
        """The down key leaves the line."""
        if event.key == "down":
            event.stop()
            self.post_message(self.Done())
