"""The form that starts a run of a study."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from experiments.runs.directory import RunDirectory
from genre_tui.core.background import in_background
from genre_tui.model import dataset_rows
from genre_tui.model.dataset_rows import Datasets
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.dialogs import Dialog
from genre_tui.studies.run_request import CheckedForm, FormValues, RunRequest, check_form, start_run
from genre_tui.studies.start_form_fields import StartFormFields
from genre_tui.studies.study_rows import StudyLine


@dataclass
class StartResult(Message):
    """A run was started by a form, which may be closed; or `problem` says why not."""

    form: Screen[None]
    run: RunDirectory | None
    problem: str


_CHECK_DELAY = 0.15  # seconds after the last change


class StartForm(Dialog[None]):
    """Asks how to run a study, forecasts its time, and starts it.

    The page gets a `StartResult`, also when the form is closed meanwhile.
    """

    DEFAULT_CSS = """
    StartForm > #box { width: 96; max-width: 100%; max-height: 100%; }
    StartForm > #box { scrollbar-size-vertical: 1; }
    StartForm #buttons { height: 1; margin-top: 1; }
    StartForm Button { margin-right: 2; }
    StartForm #takes { margin-top: 1; }
    StartForm #command { color: $text-muted; }
    StartForm #status { display: none; }
    StartForm #status.-shown { display: block; }
    StartForm #status.-wrong { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start"),
        Binding("ctrl+y", "copy", "Copy the command line"),
    ]

    def __init__(self, line: StudyLine, page: BasePage) -> None:
        super().__init__()
        self._line, self._page = line, page
        self._datasets = Datasets((), "")
        self._checked: tuple[FormValues, CheckedForm] | None = None
        self._timer: Timer | None = None
        self._starts_when_checked = self._is_starting = False

    def compose(self) -> ComposeResult:
        """Fields, forecast, command line, buttons."""
        with VerticalScroll(id="box", can_focus=False):
            yield Static(Text(f"Run {self._line.name}"), classes="title")
            yield Static(Text("Tab: next field; Space: choose or tick"), classes="dim")
            yield StartFormFields(self._line)
            yield Static(id="takes")
            yield Static(id="command")
            with Horizontal(id="buttons"):
                yield Button("Start ^s", compact=True, variant="primary", id="start", disabled=True)
                yield Button("Copy command ^y", compact=True, id="copy")
                yield Button("Close esc", compact=True, id="close")
            yield Static(id="status")

    def on_mount(self) -> None:
        """Look up the datasets."""
        work = partial(dataset_rows.read_datasets, self._page.session.data)
        in_background(self, "datasets", work, self._offer, self.refused)

    @property
    def checked(self) -> CheckedForm | None:
        """The check of the current values; None before it is done."""
        if self._checked is None or self._checked[0] != self._fields.values:
            return None
        return self._checked[1]

    @property
    def _fields(self) -> StartFormFields:
        return self.query_one(StartFormFields)

    def _offer(self, found: Datasets) -> None:
        self._datasets = found
        self._fields.set_datasets(found, self._page.session.data or found.default)
        self._check()

    @on(StartFormFields.Changed)
    def _changed(self) -> None:
        """Check the form once no key has come for a moment."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_CHECK_DELAY, self._check)

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    def _check(self) -> None:
        values = self._fields.values
        work = partial(check_form, values, self._datasets.line(values.data))
        in_background(self, "check", work, partial(self._show_check, values), self.refused)

    def _show_check(self, values: FormValues, checked: CheckedForm) -> None:
        """Show the result of a check."""
        self._checked = values, checked
        self._fields.show_problems(checked.problems)
        takes, command = Text(), ""
        if checked.request is not None:
            takes.append(_forecast(checked), "bold")
            for note in checked.notes:
                takes.append(f"\n{note}")
            command = checked.request.command(self._page.session.runs)
        elif "study" in checked.problems:
            takes.append(checked.problems["study"], "bold red")
        self.put("#takes", takes)
        self.put("#command", command)
        self._enable()
        starts, self._starts_when_checked = self._starts_when_checked, False
        if starts:
            self.action_start()

    def _enable(self) -> None:
        wrong = self._checked is None or self._checked[1].request is None
        self.query_one("#start", Button).disabled = wrong or self._is_starting

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """Copy the command line that starts the same run."""
        checked = self.checked
        if checked is None or checked.request is None:
            self.show_status("There is no command line until the form is right.", is_wrong=True)
        else:
            self.app.copy_to_clipboard(checked.request.command(self._page.session.runs))
            self.show_status("Copied the command line.")

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Start the run as the command line does."""
        checked = self.checked
        if self._is_starting:
            return
        if checked is None:
            self._starts_when_checked = True  # once it is checked
        elif checked.request is None:
            self._fields.go_to(next(iter(checked.problems), ""))
        else:
            self._is_starting = True
            self._enable()
            self.show_status("starting ...")
            thread = threading.Thread(target=self._start, args=(checked.request,), daemon=True)
            thread.start()

    def _start(self, request: RunRequest) -> None:
        """Start the run in a daemon thread: quitting the program does not wait for it."""
        run: RunDirectory | None = None
        problem = ""
        notify = partial(self.call_later, self.show_status)
        try:
            dataset = self._datasets.line(request.data)
            run = start_run(request, dataset, self._page.session.runs, notify)
        except Exception as error:  # of any kind: the form shows it
            problem = str(error) or type(error).__name__
        self._page.post_message(StartResult(self, run, problem))

    def show_status(self, line: str, *, is_wrong: bool = False) -> None:
        """Show a line below the buttons."""
        status = self.query_one("#status", Static)
        status.set_class(is_wrong, "-wrong").add_class("-shown")
        status.update(Text(f"! {line}" if is_wrong else line))
        status.scroll_visible(animate=False)

    def refused(self, problem: str) -> None:
        """Show why the run was not started; the values are kept."""
        self._is_starting = False
        self._enable()
        self.show_status(problem, is_wrong=True)


def _forecast(checked: CheckedForm) -> str:
    many = f"{checked.trials} trial{'s' if checked.trials != 1 else ''}"
    return f"{many}: {checked.time} on this machine" if checked.time else many
