"""Base of the page Run: the plots of a run's metrics, and the keys that change them."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid
from textual.message import Message

from genre_tui.model.run_model import RunModel
from genre_tui.plots.curve import Frame
from genre_tui.plots.plot import Plot
from genre_tui.run.curves import METRICS, SMOOTHINGS, CurveOptions, curves_of, time_unit
from genre_tui.run.headings import curves_line, nothing_to_draw
from genre_tui.run.trial_table import TrialEntry
from genre_tui.shell.run_control_page import RunControlPage
from genre_tui.widgets.row_table import RowTable

_LEAST = (80, 20)  # least size for four plots, in terminal cells


class PlotGrid(Grid):
    """The plots of all metrics; in a small terminal only the selected one is visible."""

    DEFAULT_CSS = """
    PlotGrid { grid-size: 1 1; height: 1fr; }
    PlotGrid > Plot { display: none; }
    PlotGrid > Plot.-chosen { display: block; }
    PlotGrid.-all { grid-size: 2 2; grid-gutter: 1 2; }
    PlotGrid.-all > Plot { display: block; }
    """

    class Clicked(Message):
        """Another plot was selected by a click."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.metric = 0
        self._logs = {"learning rate"}
        self._shown: tuple[RunModel, CurveOptions, str] | None = None
        self._is_turn = False

    def compose(self) -> ComposeResult:
        """A plot for each metric."""
        for number in range(len(METRICS)):
            plot = Plot(id=f"plot-{number}")
            plot.set_class(number == self.metric, "-chosen")
            yield plot

    def choose(self, metric: int) -> None:
        """Select a metric."""
        self.metric = metric % len(METRICS)
        for number, plot in enumerate(self._plots):
            plot.set_class(number == self.metric, "-chosen")

    def toggle_log(self) -> None:
        """Change the selected plot between a linear and a logarithmic y axis."""
        self._logs ^= {METRICS[self.metric].title}

    def show(
        self, model: RunModel, options: CurveOptions, nothing: str, *, grows: bool = False
    ) -> None:
        """Draw the visible plots, or the text `nothing` where there are no curves.

        If only points were added (`grows`), plots other than the selected one are drawn every
        other time, which saves bytes on a slow line.
        """
        self._shown = model, options, nothing
        self._is_turn = not (grows and self._is_turn)
        for number in self._visible():
            if self._is_turn or number == self.metric:
                self._show(number, model, options, nothing)

    def on_resize(self) -> None:
        """Show as many plots as fit."""
        before = self._visible()
        self.set_class(self.size.width >= _LEAST[0] and self.size.height >= _LEAST[1], "-all")
        if self._shown is not None and len(before) != len(self._visible()):
            for number in self._visible():
                self._show(number, *self._shown)

    def _visible(self) -> list[int]:
        return list(range(len(METRICS))) if self.has_class("-all") else [self.metric]

    def _show(self, number: int, model: RunModel, options: CurveOptions, nothing: str) -> None:
        metric, is_alone = METRICS[number], not self.has_class("-all")
        log = metric.title in self._logs
        in_front = number == self.metric and not is_alone
        title = Text().append(metric.title, "bold underline" if in_front else "bold")
        title.append("  log" if log else "", "dim")
        if is_alone:
            title.append("  ").append_text(curves_line(model, options, metric))
        x_name, _ = time_unit(model, options)
        frame = Frame(x_name, log, metric.figure.format, model.is_alive)
        self._plots[number].show(title, curves_of(model, metric, options), frame, nothing)

    def on_click(self, event: events.Click) -> None:
        """Select the clicked plot."""
        for number, plot in enumerate(self._plots):
            if plot.display and plot.region.contains(event.screen_x, event.screen_y):
                self.choose(number)
                self.post_message(self.Clicked())

    @property
    def _plots(self) -> list[Plot]:
        return list(self.query(Plot))


Value = TypeVar("Value")
_LINES = ("both", "validation", "train")


class CurvesPage(RunControlPage):
    """A page with a run's curves beside the table of its trials."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "rate", "Rate", show=False, tooltip="Next learning rate of this variant"),
        Binding("v", "lines", "Lines", show=False, tooltip="Curves of validation, train, or both"),
        Binding("M", "metric(-1)", "Metric before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.model: RunModel | None = None
        self.options = CurveOptions()

    @property
    def plots(self) -> PlotGrid:
        """The curves."""
        return self.query_one(PlotGrid)

    def draw_curves(self, *, grow: bool = False) -> None:
        """Draw the curves; `grow` if only points were added."""
        if self.model is not None:
            self.put("#curves-caption", curves_line(self.model, self.options))
            self.plots.show(self.model, self.options, nothing_to_draw(self.model), grows=grow)

    @on(PlotGrid.Clicked)
    def _plot_clicked(self) -> None:
        self.draw_curves()

    def choose(self, **changes: object) -> None:
        """Change options, and draw the curves."""
        self.options = replace(self.options, **changes)  # type: ignore[arg-type]
        self.draw_curves()

    def action_metric(self, step: int) -> None:
        """Select another metric."""
        self.plots.choose(self.plots.metric + step)
        self.draw_curves()

    def action_log(self) -> None:
        """Change between a linear and a logarithmic scale."""
        self.plots.toggle_log()
        self.draw_curves()

    def action_smooth(self) -> None:
        """Change to the next smoothing."""
        self.choose(smoothing=_after(SMOOTHINGS, self.options.smoothing))

    def action_axis(self) -> None:
        """Change the x axis between epochs and time."""
        self.choose(by_time=not self.options.by_time)

    def action_lines(self) -> None:
        """Draw validation, train, or both."""
        self.choose(lines=_after(_LINES, self.options.lines))

    def action_rate(self) -> None:
        """Show the next learning rate of the variant under the cursor, then the best again."""
        model, number = self.model, self.options.variant
        if model is None or number >= len(model.settings):
            return
        rates = dict(self.options.rates)
        place = rates.pop(number, -1) + 1
        if place < len(model.settings[number].groups):
            rates[number] = place
        self.choose(rates=rates)

    def action_pin(self) -> None:
        """Draw a curve of the trial under the cursor, or remove it."""
        row, pinned = self.table.item, self.options.pinned
        if row is not None:
            without = tuple(trial for trial in pinned if trial != row.id)
            self.choose(pinned=without if row.id in pinned else (*pinned, row.id))
            self.table.refresh()  # the numbers of other pins may have changed

    @on(RowTable.Moved)
    def _moved(self) -> None:
        """The variant under the cursor is drawn in front."""
        row, model = self.table.item, self.model
        if row is not None and model is not None:
            names = [variant.name for variant in model.settings]
            number = names.index(row.variant) if row.variant in names else 0
            if number != self.options.variant:
                self.choose(variant=number)

    def pin_of(self, row: TrialEntry) -> str:
        """The mark of a pinned trial's curve."""
        pinned = self.options.pinned
        return str((pinned.index(row.id) + 1) % 10) if row.id in pinned else ""


def _after(values: tuple[Value, ...], value: Value) -> Value:
    """The next value, cyclically."""
    return values[(values.index(value) + 1) % len(values)]
