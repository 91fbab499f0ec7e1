"""The form that starts a run of a study."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Button, Input, Select, Static

from experiments.design.study import PROTOCOLS
from experiments.runs.directory import RunDirectory
from genre_tui.core.background import in_background
from genre_tui.model import dataset_rows
from genre_tui.model.dataset_rows import Datasets
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.dialogs import Dialog
from genre_tui.studies.run_request import (
    DEVICES,
    CheckedForm,
    FormValues,
    RunRequest,
    check_form,
    start_run,
)
from genre_tui.studies.study_rows import StudyLine
from genre_tui.widgets.form import FormCheckbox, FormRadio, FormRow

_CHECK_DELAY = 0.15  # seconds after the last change
_GRID = "none, or such as training.learning_rate=1e-4,1e-3"


@dataclass
class StartResult(Message):
    """A run was started by a form, which may be closed; or `problem`: why not."""

    form: Screen[None]
    run: RunDirectory | None
    problem: str


class StartFormFields(Vertical):
    """The fields: dataset, protocol, seeds, epochs, device, variants, varied fields."""

    DEFAULT_CSS = """
    StartFormFields { height: auto; }
    """

    class Changed(Message):
        """A value has changed."""

    def __init__(self, line: StudyLine) -> None:
        super().__init__()
        assert line.study is not None
        self._line, self._study = line, line.study

    def compose(self) -> ComposeResult:
        """All fields."""
        options = self._line.options
        data: Select[str] = Select([], prompt="looking ...", compact=True, id="data")
        protocol = FormRadio({known: known for known in PROTOCOLS}, options.protocol, id="protocol")
        device = FormRadio({known: known for known in DEVICES}, "auto", id="device")
        ticks = [FormCheckbox("quick (if controlled)", id="quick")]
        ticks[0].disabled = options.protocol != "controlled"
        if self._study.can_be_extended:
            ticks.append(FormCheckbox("extended: further variants", id="extended"))
        names = ", ".join(variant.name for variant in self._study.variants)
        variants = Input(placeholder=f"all: {names}", compact=True, id="variants")
        yield FormRow("dataset", data, id="data-entry")
        yield FormRow("protocol", protocol, id="protocol-entry")
        yield FormRow("", *ticks)
        for name in ("seeds", "epochs"):
            number = Input(compact=True, classes="-short", id=name)
            yield FormRow(name, number, id=f"{name}-entry")
        yield FormRow("device", device)
        yield FormRow("variants", variants, id="variants-entry")
        yield FormRow("vary", Input(placeholder=_GRID, compact=True, id="vary"), id="vary-entry")

    def on_mount(self) -> None:
        """Show the defaults."""
        self._show_defaults()

    @property
    def values(self) -> FormValues:
        """The current values."""
        data = self.query_one("#data", Select).value
        extended = self.query("#extended")
        return FormValues(
            study=self._line.name,
            data=data if isinstance(data, str) else "",
            protocol="controlled" if self._is_controlled else "documented",
            seeds=self.query_one("#seeds", Input).value,
            epochs=self.query_one("#epochs", Input).value,
            quick=self.query_one("#quick", FormCheckbox).value,
            extended=bool(extended) and extended.first(FormCheckbox).value,
            device=self.query_one("#device", FormRadio).value,
            variants=self.query_one("#variants", Input).value,
            vary=self.query_one("#vary", Input).value,
        )

    def set_datasets(self, found: Datasets, wanted: str) -> None:
        """Fill the list of datasets, and choose that of the wanted name, if it is there."""
        choice = self.query_one("#data", Select)
        choice.prompt = "choose a dataset"
        choice.set_options([(f"{line.name}  {line.summary}", line.name) for line in found.lines])
        if found.line(wanted) is not None:
            choice.value = wanted
        choice.focus()

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Show error messages below the fields."""
        for name in ("data", "protocol", "seeds", "epochs", "variants", "vary"):
            self.query_one(f"#{name}-entry", FormRow).show_problem(problems.get(name, ""))

    def go_to(self, name: str) -> None:
        """Focus a field."""
        for field in self.query(f"#{name}"):
            field.focus()

    @on(Input.Changed)
    @on(Select.Changed)
    @on(FormCheckbox.Changed)
    @on(FormRadio.Changed)
    def _changed(self) -> None:
        quick = self.query_one("#quick", FormCheckbox)
        quick.disabled = not self._is_controlled
        if not self._is_controlled:
            quick.value = False
        self._show_defaults()
        self.post_message(self.Changed())

    def _show_defaults(self) -> None:
        values = self.values
        options = replace(self._line.options, protocol=values.protocol, quick=values.quick)
        epochs = "each variant's own"
        if values.protocol == "controlled":
            budget = self._study.budget.quick() if values.quick else self._study.budget
            epochs = str(budget.epochs)
        self.query_one("#seeds-entry", FormRow).set_hint(f"default: {options.seeds_each}")
        self.query_one("#epochs-entry", FormRow).set_hint(f"default: {epochs}")

    @property
    def _is_controlled(self) -> bool:
        return self.query_one("#protocol", FormRadio).value == "controlled"


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
