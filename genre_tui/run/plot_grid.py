"""Plots of a run's metrics: one of them, or all beside each other where there is room."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Grid
from textual.message import Message

from genre_tui.model.run_model import RunModel
from genre_tui.plots.curve import Frame
from genre_tui.plots.plot import Plot
from genre_tui.run.curves import METRICS, Choice, curves_of, time_unit
from genre_tui.run.headings import curves_line

_LEAST = (80, 20)  # cells in which four plots can be read


class PlotGrid(Grid):
    """The plots of all metrics; in a narrow terminal only the chosen one is seen."""

    DEFAULT_CSS = """
    PlotGrid { grid-size: 1 1; height: 1fr; }
    PlotGrid > Plot { display: none; }
    PlotGrid > Plot.-chosen { display: block; }
    PlotGrid.-all { grid-size: 2 2; grid-gutter: 1 2; }
    PlotGrid.-all > Plot { display: block; }
    """

    class Clicked(Message):
        """A click on a plot: its number is `metric`."""

        def __init__(self, metric: int) -> None:
            super().__init__()
            self.metric = metric

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.metric = 0
        self._logs = {"learning rate"}
        self._shown: tuple[RunModel, Choice, str] | None = None
        self._is_turn = False

    def compose(self) -> ComposeResult:
        """A plot each metric."""
        for number in range(len(METRICS)):
            plot = Plot(id=f"plot-{number}")
            plot.set_class(number == self.metric, "-chosen")
            yield plot

    def choose(self, metric: int) -> None:
        """Take a metric to the front."""
        self.metric = metric % len(METRICS)
        for number, plot in enumerate(self._plots):
            plot.set_class(number == self.metric, "-chosen")

    def turn_log(self) -> None:
        """Make the chosen plot's y axis logarithmic, or no more."""
        self._logs ^= {METRICS[self.metric].title}

    def show(self, model: RunModel, choice: Choice, nothing: str, *, grows: bool = False) -> None:
        """Draw what is seen.

        Args:
            model: of the run.
            choice: what is drawn.
            nothing: what to say where there are no curves.
            grows: whether nothing but further points is new: plots other than the chosen
                one are drawn every other time then, which spares a slow line.
        """
        self._shown = model, choice, nothing
        self._is_turn = not (grows and self._is_turn)
        for number in self._seen():
            if self._is_turn or number == self.metric:
                self._show(number, model, choice, nothing)

    def on_resize(self) -> None:
        """See as many plots as there is room for."""
        before = self._seen()
        self.set_class(self.size.width >= _LEAST[0] and self.size.height >= _LEAST[1], "-all")
        if self._shown is not None and len(before) != len(self._seen()):
            for number in self._seen():
                self._show(number, *self._shown)

    def _seen(self) -> list[int]:
        return list(range(len(METRICS))) if self.has_class("-all") else [self.metric]

    def _show(self, number: int, model: RunModel, choice: Choice, nothing: str) -> None:
        metric, is_alone = METRICS[number], not self.has_class("-all")
        log = metric.title in self._logs
        in_front = number == self.metric and not is_alone
        title = Text().append(metric.title, "bold underline" if in_front else "bold")
        title.append("  log" if log else "", "dim")
        if is_alone:
            title.append("  ").append_text(curves_line(model, choice, metric))
        x_name, _ = time_unit(model, choice)
        frame = Frame(x_name, log, metric.figure.format, model.is_alive)
        self._plots[number].show(title, curves_of(model, metric, choice), frame, nothing)

    def on_click(self, event: events.Click) -> None:
        """Take the plot that was clicked to the front."""
        for number, plot in enumerate(self._plots):
            if plot.display and plot.region.contains(event.screen_x, event.screen_y):
                self.post_message(self.Clicked(number))

    @property
    def _plots(self) -> list[Plot]:
        return list(self.query(Plot))
