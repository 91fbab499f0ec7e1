"""The fields of the form that starts a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Select

from experiments.design.study import PROTOCOLS
from genre_tui.model.dataset_rows import Datasets
from genre_tui.studies.run_request import DEVICES, FormValues
from genre_tui.studies.study_rows import StudyLine
from genre_tui.widgets.form import FormCheckbox, FormRadio, FormRow

_GRID = "none, or such as training.learning_rate=1e-4,1e-3"


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
