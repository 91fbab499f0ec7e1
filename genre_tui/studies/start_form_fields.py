"""The fields of the form that starts a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Select

from data.terminal.text import clean
from experiments.design.study import PROTOCOLS
from genre_tui.model.dataset_rows import Datasets
from genre_tui.studies.run_order import DEVICES, Entries
from genre_tui.studies.study_rows import StudyLine
from genre_tui.widgets.form import Entry, Pick, Tick

_GRID = "none, or such as training.learning_rate=1e-4,1e-3"


class OrderFields(Vertical):
    """What can be asked of a study, one line a question.

    Args:
        line: of the study.
    """

    DEFAULT_CSS = """
    OrderFields { height: auto; }
    """

    class Changed(Message):
        """Something else is entered."""

    def __init__(self, line: StudyLine) -> None:
        super().__init__()
        assert line.study is not None
        self._line, self._study = line, line.study

    def compose(self) -> ComposeResult:
        """All entries."""
        options = self._line.options
        data: Select[str] = Select([], prompt="looking ...", compact=True, id="data")
        protocol = Pick({known: known for known in PROTOCOLS}, options.protocol, id="protocol")
        device = Pick({known: known for known in DEVICES}, "auto", id="device")
        ticks = [Tick("quick (if controlled)", id="quick")]
        ticks[0].disabled = options.protocol != "controlled"
        if self._study.can_be_extended:
            ticks.append(Tick("extended: further variants", id="extended"))
        names = ", ".join(variant.name for variant in self._study.variants)
        variants = Input(placeholder=clean(f"all: {names}"), compact=True, id="variants")
        yield Entry("dataset", data, id="data-entry")
        yield Entry("protocol", protocol, id="protocol-entry")
        yield Entry("", *ticks)
        for name in ("seeds", "epochs"):
            number = Input(compact=True, classes="-short", id=name)
            yield Entry(name, number, id=f"{name}-entry")
        yield Entry("device", device)
        yield Entry("variants", variants, id="variants-entry")
        yield Entry("vary", Input(placeholder=_GRID, compact=True, id="vary"), id="vary-entry")

    def on_mount(self) -> None:
        """Say what counts where nothing is entered."""
        self._suggest()

    @property
    def entries(self) -> Entries:
        """What is entered now."""
        data = self.query_one("#data", Select).value
        extended = self.query("#extended")
        return Entries(
            study=self._line.name,
            data=data if isinstance(data, str) else "",
            protocol="controlled" if self._is_controlled else "documented",
            seeds=self.query_one("#seeds", Input).value,
            epochs=self.query_one("#epochs", Input).value,
            quick=self.query_one("#quick", Tick).value,
            extended=bool(extended) and extended.first(Tick).value,
            device=self.query_one("#device", Pick).value,
            variants=self.query_one("#variants", Input).value,
            vary=self.query_one("#vary", Input).value,
        )

    def offer(self, found: Datasets, wanted: str) -> None:
        """Offer datasets.

        Args:
            found: those that there are.
            wanted: that is chosen, if it is there.
        """
        choice = self.query_one("#data", Select)
        choice.prompt = "choose a dataset"
        choice.set_options([(f"{line.name}  {line.summary}", line.name) for line in found.lines])
        if found.line(wanted) is not None:
            choice.value = wanted
        choice.focus()

    def tell(self, problems: Mapping[str, str]) -> None:
        """Say what is wrong, below the entries."""
        for name in ("data", "protocol", "seeds", "epochs", "variants", "vary"):
            self.query_one(f"#{name}-entry", Entry).tell(problems.get(name, ""))

    def go_to(self, name: str) -> None:
        """Put the focus on an entry."""
        for field in self.query(f"#{name}"):
            field.focus()

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Tick.Changed)
    @on(Pick.Changed)
    def _changed(self) -> None:
        quick = self.query_one("#quick", Tick)
        quick.disabled = not self._is_controlled
        if not self._is_controlled:
            quick.value = False
        self._suggest()
        self.post_message(self.Changed())

    def _suggest(self) -> None:
        entries = self.entries
        options = replace(self._line.options, protocol=entries.protocol, quick=entries.quick)
        epochs = "each variant's own"
        if entries.protocol == "controlled":
            budget = self._study.budget.quick() if entries.quick else self._study.budget
            epochs = str(budget.epochs)
        self.query_one("#seeds-entry", Entry).suggest(f"default: {options.seeds_each}")
        self.query_one("#epochs-entry", Entry).suggest(f"default: {epochs}")

    @property
    def _is_controlled(self) -> bool:
        return self.query_one("#protocol", Pick).value == "controlled"
