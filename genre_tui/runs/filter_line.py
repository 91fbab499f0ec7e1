"""A line to type a filter of runs in, and below it what it lets through or gets wrong."""

from __future__ import annotations

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from genre_tui.runs.run_filter import HELP, Filter, understood
from genre_tui.widgets.status_text import Said


class FilterLine(Vertical):
    """Hidden until it is opened."""

    DEFAULT_CSS = """
    FilterLine { height: auto; display: none; }
    FilterLine.-open { display: block; }
    FilterLine Horizontal { height: 1; }
    FilterLine Static { width: 2; }
    FilterLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
    FilterLine Said { width: 1fr; height: auto; max-height: 2; color: $text-muted; }
    """

    class Changed(Message):
        """Another filter was typed, as far as it has a meaning."""

        def __init__(self, chosen: Filter) -> None:
            super().__init__()
            self.chosen = chosen

    class Left(Message):
        """The keys are to go back to what is filtered."""

    def compose(self) -> ComposeResult:
        """The line, and what is said of it."""
        with Horizontal():
            yield Static("/ ")
            # Disabled while it is hidden: else it gets the focus when all else is hidden, too.
            yield Input(placeholder="state:running f1>70 age<2d cnn", compact=True, disabled=True)
        yield Said()

    @property
    def value(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    @property
    def is_open(self) -> bool:
        """Whether it is seen."""
        return self.has_class("-open")

    def open(self) -> None:
        """Let the user type."""
        self.add_class("-open")
        line = self.query_one(Input)
        line.disabled = False
        line.focus()

    def close(self) -> None:
        """Empty it, and take it away."""
        self.remove_class("-open")
        line = self.query_one(Input)
        line.value, line.disabled = "", True

    def tell(self, found: int, of: int) -> None:
        """Say how many runs pass, or what is wrong and what is allowed."""
        _, problem = understood(self.value)
        counted = f"{found} of {of} runs.  " if self.value else ""
        text = Text(problem) if problem else Text(f"{counted}{HELP}", "dim")
        self.query_one(Said).tell(text, grows=True)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(understood(event.value)[0]))

    @on(Input.Submitted)
    def _done(self, event: Input.Submitted) -> None:
        event.stop()
        if not understood(self.value)[1]:
            self.post_message(self.Left())

    def on_key(self, event: events.Key) -> None:
        """From here down to what is filtered."""
        if event.key == "down":
            event.stop()
            self.post_message(self.Left())
