"""The dialogs that build a dataset: the form with folder and name, and the process's output."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.timer import Timer
from textual.widgets import Button, Input, RichLog, Static

from genre_tui.core.background import in_background
from genre_tui.datasets.dataset_build import BuildSource, DatasetBuild, inspect_folder
from genre_tui.shell.dialogs import ConfirmDialog, Dialog
from genre_tui.widgets.form import FormRow

_CHECK_DELAY = 0.15  # seconds after the last change
_ABOUT = (
    "A folder with a folder of recordings for each genre; or features that others have extracted: "
    "a folder of arrays, a .npz or HDF5 file, a CSV file."
)


class BuildForm(Dialog[BuildSource]):
    """Asks for a folder and a name; the result is the source to build from."""

    DEFAULT_CSS = """
    BuildForm > #box { width: 90; max-width: 100%; }
    BuildForm #buttons { height: 1; margin-top: 1; }
    BuildForm Button { margin-right: 2; }
    BuildForm #about { margin-top: 1; }
    BuildForm #command { color: $text-muted; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "make", "Make it")]

    def __init__(self) -> None:
        super().__init__()
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Fields, the folder's content, command line, buttons."""
        with VerticalScroll(id="box", can_focus=False):
            yield Static(Text("Make a dataset"), classes="title")
            yield Static(Text(_ABOUT), classes="dim")
            yield FormRow("folder", Input(compact=True, id="folder"), id="folder-row")
            name = Input(placeholder="the folder's", compact=True, id="name")
            yield FormRow("name", name, id="name-row")
            yield Static(id="about")
            yield Static(id="command")
            with Horizontal(id="buttons"):
                yield Button("Make ^s", compact=True, variant="primary", id="make", disabled=True)
                yield Button("Close esc", compact=True, id="close")

    @on(Input.Changed)
    def _changed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_CHECK_DELAY, self._check)

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    def _check(self, makes: bool = False) -> None:
        """Check the folder and the name, and build the dataset if it `makes`."""
        if self._timer is not None:
            self._timer.stop()
        typed = (self.query_one(f"#{name}", Input).value for name in ("folder", "name"))
        show = partial(self._show_check, makes)
        in_background(
            self, "check", partial(inspect_folder, *typed), show, partial(self.put, "#about")
        )

    def _show_check(self, makes: bool, found: tuple[BuildSource | None, dict[str, str]]) -> None:
        source, problems = found
        for name in ("folder", "name"):
            self.query_one(f"#{name}-row", FormRow).show_problem(problems.get(name, ""))
        about = f"{source.about} It will be called {source.name}." if source else ""
        self.put("#about", about)
        self.put("#command", source.command if source else "")
        self.query_one("#make", Button).disabled = source is None
        if makes and source is not None:
            self.dismiss(source)

    @on(Button.Pressed, "#make")
    def action_make(self) -> None:
        """Close it, and build the dataset."""
        self._check(makes=True)


class BuildDialog(Dialog[None]):
    """The output of a build; closing the dialog does not end the build."""

    DEFAULT_CSS = """
    BuildDialog > #box { width: 96; max-width: 100%; height: 80%; }
    BuildDialog RichLog {
        height: 1fr; background: $surface; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
    }
    BuildDialog #state { margin-top: 1; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "leave", "Leave it running"),
        Binding("escape", "close", "Stop it, or close"),
    ]

    def __init__(self, build: DatasetBuild) -> None:
        super().__init__()
        self._build = build
        self._shown = 0  # lines
        self._asked: ConfirmDialog | None = None

    def compose(self) -> ComposeResult:
        """Command line, output, state, keys."""
        with Vertical(id="box"):
            yield Static(Text(self._build.source.command), classes="dim")
            yield RichLog(min_width=1, wrap=True)
            yield Static(id="state")
            yield Static(id="keys", classes="dim")

    def on_mount(self) -> None:
        """Show the output so far."""
        self.show_output()

    def show_output(self) -> None:
        """Show new output and the state."""
        lines = self._build.output
        log = self.query_one(RichLog)
        for line in lines[self._shown :]:
            log.write(Text(line))
        self._shown = len(lines)
        self.put("#state", self._build.state)
        has_ended = self._build.ended is not None
        if has_ended and self._asked is not None and self._asked.is_current:
            self._asked.dismiss(None)  # there is nothing left to stop
        self.put("#keys", "Esc closes" if has_ended else "l leaves it running, Esc stops it")

    def action_leave(self) -> None:
        """Close the dialog."""
        self.dismiss(None)

    def action_close(self) -> None:
        """Close the dialog; ask first whether to end a running build."""
        if self._build.ended is not None or self._build.is_cancelled:
            self.dismiss(None)
            return
        source = self._build.source
        lines = [f"There will be no dataset yet: {source.kept}."]
        self._asked = ConfirmDialog(f"Stop making {source.name}?", lines, "stop it", "go on")
        self.app.push_screen(self._asked, self._answered)

    def _answered(self, yes: bool | None) -> None:
        self._asked = None
        if yes:
            self._build.cancel()
            self.show_output()
