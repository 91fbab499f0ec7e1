"""The plots of a run's metrics."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Grid

from genre_tui.model.run_model import RunModel
from genre_tui.plots.curve import Frame
from genre_tui.plots.plot import Plot
from genre_tui.run.curves import METRICS, CurveOptions, curves_of, time_unit
from genre_tui.run.headings import curves_line, nothing_to_draw

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

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.metric = 0
        self._logs = {"learning rate"}
        self._shown: tuple[RunModel, CurveOptions] | None = None
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
        self._redraw()

    def toggle_log(self) -> None:
        """Change the selected plot between a linear and a logarithmic y axis."""
        self._logs ^= {METRICS[self.metric].title}
        self._redraw()

    def show(self, model: RunModel, options: CurveOptions, *, grows: bool = False) -> None:
        """Draw the visible plots.

        If only points were added (`grows`), plots other than the selected one are drawn every
        other time, which saves bytes on a slow line.
        """
        self._shown = model, options
        self._is_turn = not (grows and self._is_turn)
        for number in self._visible():
            if self._is_turn or number == self.metric:
                self._draw(number, model, options)

    def on_resize(self) -> None:
        """Show as many plots as fit."""
        before = self._visible()
        self.set_class(self.size.width >= _LEAST[0] and self.size.height >= _LEAST[1], "-all")
        if len(before) != len(self._visible()):
            self._redraw()

    def on_click(self, event: events.Click) -> None:
        """Select the clicked plot."""
        for number, plot in enumerate(self._plots):
            if plot.display and plot.region.contains(event.screen_x, event.screen_y):
                self.choose(number)

    def _redraw(self) -> None:
        if self._shown is not None:
            self.show(*self._shown)

    def _visible(self) -> list[int]:
        return list(range(len(METRICS))) if self.has_class("-all") else [self.metric]

    def _draw(self, number: int, model: RunModel, options: CurveOptions) -> None:
        metric, is_alone = METRICS[number], not self.has_class("-all")
        log = metric.title in self._logs
        in_front = number == self.metric and not is_alone
        title = Text().append(metric.title, "bold underline" if in_front else "bold")
        title.append("  log" if log else "", "dim")
        if is_alone:
            title.append("  ").append_text(curves_line(model, options, metric))
        x_name, _ = time_unit(model, options)
        frame = Frame(x_name, log, metric.figure.format, model.is_alive)
        curves = curves_of(model, metric, options)
        self._plots[number].show(title, curves, frame, nothing_to_draw(model))

    @property
    def _plots(self) -> list[Plot]:
        return list(self.query(Plot))
