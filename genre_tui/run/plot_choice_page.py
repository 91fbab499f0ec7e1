"""What of a run's curves is drawn, and the keys that change it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType

from genre_tui.model.run_model import RunModel
from genre_tui.run.curves import SMOOTHINGS, Choice
from genre_tui.run.headings import curves_line, nothing_to_draw
from genre_tui.run.plot_grid import PlotGrid
from genre_tui.run.trials import TrialRow
from genre_tui.shell.run_control_page import ControlPage
from genre_tui.widgets.row_table import RowTable
from genre_tui.widgets.status_text import Said

Value = TypeVar("Value")
_LINES = ("both", "validation", "train")


class ChoicePage(ControlPage):
    """A page with a run's curves beside the table of its trials."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "rate", "Rate", show=False, tooltip="Next learning rate of this variant"),
        Binding("v", "lines", "Lines", show=False, tooltip="Curves of validation, train, or both"),
        Binding("M", "metric(-1)", "Metric before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.model: RunModel | None = None
        self.choice = Choice()

    @property
    def table(self) -> RowTable[TrialRow]:
        """The table of trials."""
        return self.query_one("#trials", RowTable)

    @property
    def plots(self) -> PlotGrid:
        """The curves."""
        return self.query_one(PlotGrid)

    def draw_curves(self, *, grow: bool = False) -> None:
        """Draw them as they are chosen; `grow` says that nothing but points is new."""
        if self.model is not None:
            self.query_one("#curves-say", Said).tell(curves_line(self.model, self.choice))
            self.plots.show(self.model, self.choice, nothing_to_draw(self.model), grows=grow)

    def choose(self, **changes: object) -> None:
        """Draw something else, or in another way."""
        self.choice = replace(self.choice, **changes)  # type: ignore[arg-type]
        self.draw_curves()

    def action_metric(self, step: int) -> None:
        """Take another metric to the front."""
        self.plots.choose(self.plots.metric + step)
        self.draw_curves()

    def action_log(self) -> None:
        """Make the metric's scale logarithmic, or no more."""
        self.plots.turn_log()
        self.draw_curves()

    def action_smooth(self) -> None:
        """Smooth the curves more, or no more."""
        self.choose(smoothing=_after(SMOOTHINGS, self.choice.smoothing))

    def action_axis(self) -> None:
        """Draw along epochs, or along time."""
        self.choose(by_time=not self.choice.by_time)

    def action_lines(self) -> None:
        """Draw validation, train, or both."""
        self.choose(lines=_after(_LINES, self.choice.lines))

    def action_rate(self) -> None:
        """Show the next learning rate of the variant under the cursor, then the best again."""
        model, number = self.model, self.choice.variant
        if model is None or number >= len(model.settings):
            return
        rates = dict(self.choice.rates)
        place = rates.pop(number, -1) + 1
        if place < len(model.settings[number].groups):
            rates[number] = place
        self.choose(rates=rates)

    def action_pin(self) -> None:
        """Give the trial under the cursor a curve of its own, or no more."""
        row, pinned = self.table.item, self.choice.pinned
        if row is not None:
            without = tuple(trial for trial in pinned if trial != row.id)
            self.choose(pinned=without if row.id in pinned else (*pinned, row.id))
            self.table.redraw_all()  # the numbers of other pins may have changed

    @on(RowTable.Moved)
    def _moved(self) -> None:
        """The variant under the cursor is drawn in front."""
        row, model = self.table.item, self.model
        if row is not None and model is not None:
            names = [variant.name for variant in model.settings]
            number = names.index(row.variant) if row.variant in names else 0
            if number != self.choice.variant:
                self.choose(variant=number)

    @on(PlotGrid.Clicked)
    def _plot_clicked(self, event: PlotGrid.Clicked) -> None:
        self.plots.choose(event.metric)
        self.draw_curves()

    def pin_of(self, row: TrialRow) -> str:
        """The number of a pinned trial's curve."""
        pinned = self.choice.pinned
        return str((pinned.index(row.id) + 1) % 10) if row.id in pinned else ""


def _after(values: tuple[Value, ...], value: Value) -> Value:
    """The next of some values, after the last the first."""
    return values[(values.index(value) + 1) % len(values)]
