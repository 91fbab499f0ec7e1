"""The form that starts a run of a study."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.timer import Timer
from textual.widgets import Button, Input, Select, Static

from data.datasets.artists import GROUPS
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
    RunRequest,
    check_form,
    start_run,
)
from genre_tui.studies.study_rows import StudyLine
from genre_tui.widgets.form import FormCheckbox, FormChoice, FormRadio, FormRow

_CHECK_DELAY = 0.15  # seconds after the last change
_CHECKED = ("data", "protocol", "seeds", "epochs", "folds", "variants", "vary")  # fields
_GRID = "none, or such as training.learning_rate=1e-4,1e-3"


class StartForm(Dialog[None]):
    """Asks how to run a study, forecasts its time, and starts it.

    The page reports how that ended where the form is closed meanwhile.
    """

    DEFAULT_CSS = """
    StartForm > #box { width: 96; max-width: 100%; max-height: 100%; }
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
        assert line.study is not None
        self._line, self._study, self._page = line, line.study, page
        self._datasets = Datasets((), "")
        self._checked: CheckedForm | None = None
        self._timer: Timer | None = None
        self._starts_when_checked = self._is_starting = False

    def compose(self) -> ComposeResult:
        """Fields, forecast, command line, buttons."""
        with VerticalScroll(id="box", can_focus=False):
            yield Static(Text(f"Run {self._line.name}"), classes="title")
            yield Static(Text("Tab: next field; Space: choose or tick"), classes="dim")
            yield from self._fields()
            yield Static(id="takes")
            yield Static(id="command")
            with Horizontal(id="buttons"):
                yield Button("Start ^s", compact=True, variant="primary", id="start", disabled=True)
                yield Button("Copy command ^y", compact=True, id="copy")
                yield Button("Close esc", compact=True, id="close")
            yield Static(id="status")

    def _fields(self) -> Iterable[FormRow]:
        """Dataset, protocol, seeds, epochs, folds, device, variants, varied fields."""
        options = self._line.options
        data: Select[str] = Select([], prompt="looking ...", compact=True, id="data")
        protocol = FormRadio(PROTOCOLS, options.protocol, id="protocol")
        device = FormRadio(DEVICES, "auto", id="device")
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
        folds = Input(compact=True, classes="-short", id="folds")
        group = FormRadio(GROUPS, options.group or "track", id="group")
        yield FormRow("folds", folds, group, id="folds-entry")
        yield FormRow("device", device)
        yield FormRow("variants", variants, id="variants-entry")
        yield FormRow("vary", Input(placeholder=_GRID, compact=True, id="vary"), id="vary-entry")

    def on_mount(self) -> None:
        """Show the defaults, and look up the datasets."""
        self._show_defaults()
        work = partial(dataset_rows.read_datasets, self._page.session.data)
        in_background(self, "datasets", work, self._offer, self.refused)

    @property
    def values(self) -> RunRequest:
        """The current values."""
        data = self.query_one("#data", Select).value
        extended = self.query("#extended")
        return RunRequest(
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
            folds=self.query_one("#folds", Input).value,
            group="artist" if self.query_one("#group", FormRadio).value == "artist" else "track",
        )

    @property
    def checked(self) -> CheckedForm | None:
        """The check of the current values; None before it is done."""
        checked = self._checked
        return checked if checked is not None and checked.request == self.values else None

    @property
    def _is_controlled(self) -> bool:
        return self.query_one("#protocol", FormRadio).value == "controlled"

    def _offer(self, found: Datasets) -> None:
        """Fill the list of datasets, and choose the user's, if it is there."""
        self._datasets = found
        choice = self.query_one("#data", Select)
        choice.prompt = "choose a dataset"
        choice.set_options([(f"{line.name}  {line.summary}", line.name) for line in found.lines])
        wanted = self._page.session.data or found.default
        if found.line(wanted) is not None:
            choice.value = wanted
        choice.focus()
        self._check()

    @on(Input.Changed)
    @on(Select.Changed)
    @on(FormChoice.Changed)
    def _changed(self) -> None:
        """Check the form once no key has come for a moment."""
        quick = self.query_one("#quick", FormCheckbox)
        quick.disabled = not self._is_controlled
        if not self._is_controlled:
            quick.value = False
        self._show_defaults()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_CHECK_DELAY, self._check)

    def _show_defaults(self) -> None:
        values = self.values
        options = replace(self._line.options, protocol=values.protocol, quick=values.quick)
        epochs = "each variant's own"
        if values.protocol == "controlled":
            budget = self._study.budget.quick() if values.quick else self._study.budget
            epochs = str(budget.epochs)
        self.query_one("#seeds-entry", FormRow).set_hint(f"default: {options.seeds_each}")
        self.query_one("#epochs-entry", FormRow).set_hint(f"default: {epochs}")
        folds = options.folds or "none"
        self.query_one("#folds-entry", FormRow).set_hint(f"default: {folds}")

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    def _check(self) -> None:
        values = self.values
        work = partial(check_form, values, self._datasets.line(values.data))
        in_background(self, "check", work, self._show_check, self.refused)

    def _show_check(self, checked: CheckedForm) -> None:
        self._checked = checked
        for name in _CHECKED:
            self.query_one(f"#{name}-entry", FormRow).show_problem(checked.problems.get(name, ""))
        takes = Text(checked.problems.get("study", ""), "bold red")
        if not checked.problems:
            takes = Text("\n").join([Text(_forecast(checked), "bold"), *map(Text, checked.notes)])
        self.put("#takes", takes)
        self.put("#command", "" if checked.problems else self._command(checked))
        self._enable()
        starts, self._starts_when_checked = self._starts_when_checked, False
        if starts:
            self.action_start()

    def _command(self, checked: CheckedForm) -> str:
        return checked.request.command(self._page.session.runs)

    def _enable(self) -> None:
        is_right = self._checked is not None and not self._checked.problems
        self.query_one("#start", Button).disabled = not is_right or self._is_starting

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """Copy the command line that starts the same run."""
        checked = self.checked
        if checked is None or checked.problems:
            self.show_status("There is no command line until the form is right.", is_wrong=True)
        else:
            self.app.copy_to_clipboard(self._command(checked))
            self.show_status("Copied the command line.")

    @on(Button.Pressed, "#start")
    def action_start(self) -> None:
        """Start the run as the command line does."""
        checked = self.checked
        if self._is_starting:
            return
        if checked is None:
            self._starts_when_checked = True  # once it is checked
        elif checked.problems:
            for field in self.query(f"#{next(iter(checked.problems))}"):
                field.focus()
        else:
            self._is_starting = True
            self._enable()
            self.show_status("starting ...")
            dataset = self._datasets.line(checked.request.data)
            notify = partial(self.call_later, self.show_status)
            work = partial(start_run, checked.request, dataset, self._page.session.runs, notify)
            # Of the page, so that it goes on when the form is closed.
            in_background(self._page, f"start-{id(self)}", work, self._started, self.refused)

    def _started(self, run: RunDirectory) -> None:
        """Open the run, unless the form was closed meanwhile."""
        self.app.refresh_runs()
        if self in self.app.screen_stack:
            self.app.open_run(run)
            self._page.call_later(self.app.action_go, "run")
        else:
            self._page.show_message(f"Started {run.name}.")

    def show_status(self, line: str, *, is_wrong: bool = False) -> None:
        """Show a line below the buttons."""
        status = self.query_one("#status", Static)
        status.set_class(is_wrong, "-wrong").add_class("-shown")
        status.update(Text(f"! {line}" if is_wrong else line))
        status.scroll_visible(animate=False)

    def refused(self, problem: str) -> None:
        """Show why the run was not started; the values are kept."""
        if self not in self.app.screen_stack:
            self._page.show_problem(problem)
            return
        self._is_starting = False
        self._enable()
        self.show_status(problem, is_wrong=True)


def _forecast(checked: CheckedForm) -> str:
    many = f"{checked.trials} trial{'s' if checked.trials != 1 else ''}"
    return f"{many}: {checked.time} on this machine" if checked.time else many
