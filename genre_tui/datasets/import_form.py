"""The form that makes a dataset of a folder."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.timer import Timer
from textual.widgets import Button, Input, Static
from textual.worker import get_current_worker

from data.terminal.text import clean
from genre_tui.datasets.dataset_build import Source, look_into
from genre_tui.shell.dialog import Dialog
from genre_tui.widgets.form import Entry

_REST = 0.15  # seconds without a key after which the form is checked
_ABOUT = (
    "A folder with a folder of recordings for each genre; or one of arrays: train, val and test, "
    "each with mfccs and, where there are, melgrams."
)


class ImportForm(Dialog[Source]):
    """Asks for a folder and a name; its result is what to make."""

    DEFAULT_CSS = """
    ImportForm > #box { width: 90; max-width: 100%; }
    ImportForm #buttons { height: 1; margin-top: 1; }
    ImportForm Button { margin-right: 2; }
    ImportForm #about { margin-top: 1; }
    ImportForm #command { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "make", "Make it")]

    def __init__(self) -> None:
        super().__init__()
        self._source: Source | None = None
        self._typed: tuple[str, str] | None = None  # that `_source` is of
        self._makes_then = False
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Folder, name, what is in it, the command, buttons."""
        with VerticalScroll(id="box", can_focus=False):
            yield Static(Text("Make a dataset"), classes="title")
            yield Static(Text(_ABOUT), classes="dim")
            yield Entry("folder", Input(compact=True, id="folder"), id="folder-row")
            name = Input(placeholder="the folder's", compact=True, id="name")
            yield Entry("name", name, id="name-row")
            yield Static(id="about")
            yield Static(id="command")
            with Horizontal(id="buttons"):
                yield Button("Make ^s", compact=True, variant="primary", id="make", disabled=True)
                yield Button("Close esc", compact=True, id="close")

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_REST, self._check)

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    @property
    def typed(self) -> tuple[str, str]:
        """Folder and name, as they stand there."""
        return self.query_one("#folder", Input).value, self.query_one("#name", Input).value

    @work(thread=True, exclusive=True, group="check")
    def _check(self) -> None:
        worker = get_current_worker()
        typed = self.app.call_from_thread(lambda: self.typed)
        source, problems = look_into(*typed)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._take, typed, source, problems)

    def _take(
        self, typed: tuple[str, str], source: Source | None, problems: dict[str, str]
    ) -> None:
        """Show what would be made."""
        self._typed, self._source = typed, source
        for name in ("folder", "name"):
            self.query_one(f"#{name}-row", Entry).tell(problems.get(name, ""))
        about = f"{source.about} It will be called {source.name}." if source else ""
        self.query_one("#about", Static).update(Text(clean(about)))
        self.query_one("#command", Static).update(Text(clean(source.command if source else "")))
        self.query_one("#make", Button).disabled = source is None
        makes, self._makes_then = self._makes_then, False
        if makes:
            self.action_make()

    @on(Button.Pressed, "#close")
    def _leave(self) -> None:
        self.action_close()

    @on(Button.Pressed, "#make")
    def action_make(self) -> None:
        """Close it, and make the dataset."""
        if self._typed != self.typed:
            self._makes_then = True  # as soon as it is known to be right
        elif self._source is not None:
            self.dismiss(self._source)
