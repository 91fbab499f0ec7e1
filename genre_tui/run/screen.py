"""The screen Run: a live view of one run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from experiments.runs.directory import RunDirectory
from genre_tui.core.app_session import runs_option
from genre_tui.model.run_model import RunModel
from genre_tui.run import trial_table
from genre_tui.run.curves import SMOOTHINGS, CurveOptions
from genre_tui.run.headings import (
    curves_line,
    device_line,
    notice_line,
    progress_line,
    title_line,
)
from genre_tui.run.panes import OutputPane, TrialPane
from genre_tui.run.plot_grid import PlotGrid
from genre_tui.run.trial_table import TrialEntry
from genre_tui.shell.run_control_page import RunControlPage
from genre_tui.watch.messages import RunUpdate
from genre_tui.widgets.row_table import RowTable
from genre_tui.widgets.status_text import StatusText

_REDRAW_DELAY = 0.1  # seconds in which further updates are collected
_WIDE, _WIDER = 52, 59  # width of the trials beside the curves, without and with rates
_WIDEST = 140  # width of a terminal from which on the rates fit
_LINES = ("both", "validation", "train")
Value = TypeVar("Value")


class RunPage(RunControlPage):
    """Curves, trials, progress and devices of a run; stops and resumes it."""

    MODE: ClassVar[str] = "run"
    CHANGES = frozenset({"stop", "stop_now", "resume"})
    DEFAULT_CSS = """
    RunPage #title, RunPage #progress, RunPage #devices { height: 1; }
    RunPage #notice { height: auto; max-height: 3; display: none; }
    RunPage.-noticed #notice { display: block; }
    RunPage #curves-caption { height: 1; display: none; }
    RunPage #side { max-height: 40%; min-height: 4; }
    RunPage #trial { display: none; height: 1fr; border-top: solid $panel; }
    RunPage.-trial #trials { display: none; }
    RunPage.-trial #trial { display: block; }
    RunPage #output { display: none; height: 40%; border-top: solid $panel; }
    RunPage.-output #side { display: none; }
    RunPage.-output #output { display: block; }
    RunPage.-zoomed #side, RunPage.-zoomed #output { display: none; }
    RunPage.-wide #main { layout: horizontal; }
    RunPage.-wide #side { max-height: 100%; margin-left: 1; }
    RunPage.-wide.-tall #trials { height: auto; max-height: 60%; min-height: 4; }
    RunPage.-wide.-tall #trial { display: block; }
    RunPage.-wide #output {
        height: 1fr; width: 60; border-top: none; border-left: solid $panel;
    }
    RunPage.-wide.-tall #curves-caption { display: block; }
    RunPage.-empty #main, RunPage.-empty #curves-caption { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "rate", "Rate", show=False, tooltip="Next learning rate of this variant"),
        Binding("v", "lines", "Lines", show=False, tooltip="Curves of validation, train, or both"),
        Binding("M", "metric(-1)", "Metric before", show=False),
        Binding("m", "metric(1)", "Metric"),
        Binding("p", "pin", "Pin", tooltip="Give the trial a curve of its own, or no more"),
        Binding("o", "output", "Output", tooltip="Notes, deaths, and what its processes print"),
        Binding("t", "stop", "Stop", tooltip="Stop at the end of the epoch"),
        Binding("d", "detach", "Detach", tooltip="Leave the run alone: it goes on"),
        Binding("r", "resume", "Resume", tooltip="Resume a run that stopped or crashed"),
        Binding("l", "log", "Log", tooltip="Logarithmic scale of the metric"),
        Binding("s", "smooth", "Smooth", tooltip="Smooth the curves"),
        Binding("x", "axis", "Axis", tooltip="Epochs or time along the x axis"),
        Binding("T", "stop_now", "Stop now", show=False, tooltip="End its processes at once"),
        Binding("f", "follow", "Follow", show=False, tooltip="Follow the trial that was told last"),
        Binding("S", "sort", "Sort", show=False, tooltip="Sort the trials"),
        Binding("i", "trial", "Trial", show=False, tooltip="Settings and figures of the trial"),
        Binding("z", "zoom", "Zoom", show=False, tooltip="Curves only, or all"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.options = CurveOptions()
        self._run: RunDirectory | None = None  # that the options are of
        self._order, self._follows, self._is_waiting = 0, False, False
        self._asked: str | None = None  # the trial that another screen selected

    @property
    def model(self) -> RunModel | None:
        """The open run."""
        return self.app.model

    @property
    def plots(self) -> PlotGrid:
        """The curves."""
        return self.query_one(PlotGrid)

    def body(self) -> Iterable[Widget]:
        """Header, curves, trials or output, devices."""
        table: RowTable[TrialEntry] = RowTable(
            trial_table.columns(), lambda row: row.id, self._pin_of, id="trials"
        )
        yield Vertical(
            StatusText(id="title"),
            StatusText(id="progress"),
            StatusText(id="notice"),
            StatusText(id="curves-caption"),
            Vertical(
                PlotGrid(id="plots"),
                Vertical(table, TrialPane(id="trial"), id="side"),
                OutputPane(id="output"),
                id="main",
            ),
            StatusText(id="devices"),
            id="body",
        )

    def on_mount(self) -> None:
        """Focus the trials."""
        self.table.focus()

    def run_updated(self, model: RunModel | None, update: RunUpdate | None) -> None:
        """Draw the update after a short delay; another run at once."""
        run = self.session.run
        if run != self._run:
            self._run, self._follows = run, False
            self.remove_class("-output")
            self.options = replace(self.options, rates={}, pinned=(), variant=0)
        if update is None:
            self._draw()
        elif not self._is_waiting:
            self._is_waiting = True
            self.set_timer(_REDRAW_DELAY, self._grow)

    def on_resize(self) -> None:
        """Fit the lines to the new width."""
        self.call_after_refresh(self._draw)

    def exportable(self) -> dict[str, str]:
        """Trials and their curves."""
        return trial_table.files(self.model) if self.model else {}

    def copyable(self) -> str:
        """The trial under the cursor in a line; else the run's folder."""
        row = self.table.item
        if row is not None:
            return trial_table.line_of(row)
        return str(self._run.path) if self._run else ""

    def action_metric(self, step: int) -> None:
        """Select another metric."""
        self.plots.choose(self.plots.metric + step)

    def action_log(self) -> None:
        """Change between a linear and a logarithmic scale."""
        self.plots.toggle_log()

    def action_smooth(self) -> None:
        """Change to the next smoothing."""
        self._choose(smoothing=_after(SMOOTHINGS, self.options.smoothing))

    def action_axis(self) -> None:
        """Change the x axis between epochs and time."""
        self._choose(by_time=not self.options.by_time)

    def action_lines(self) -> None:
        """Draw validation, train, or both."""
        self._choose(lines=_after(_LINES, self.options.lines))

    def action_rate(self) -> None:
        """Show the next learning rate of the variant under the cursor, then the best again."""
        model, number = self.model, self.options.variant
        if model is None or number >= len(model.settings):
            return
        rates = dict(self.options.rates)
        place = rates.pop(number, -1) + 1
        if place < len(model.settings[number].groups):
            rates[number] = place
        self._choose(rates=rates)

    def action_pin(self) -> None:
        """Draw a curve of the trial under the cursor, or remove it."""
        row, pinned = self.table.item, self.options.pinned
        if row is not None:
            without = tuple(trial for trial in pinned if trial != row.id)
            self._choose(pinned=without if row.id in pinned else (*pinned, row.id))
            self.table.refresh()  # the numbers of other pins may have changed

    def action_sort(self) -> None:
        """Sort the trials in the next order."""
        self._order = (self._order + 1) % trial_table.CYCLE
        self._draw_trials()

    def action_trial(self) -> None:
        """Show the trial under the cursor in full, or the table of trials."""
        self.toggle_class("-trial")
        self.remove_class("-zoomed", "-output")
        (self.query_one(TrialPane) if self.has_class("-trial") else self.table).focus()
        self._draw_trials()

    def action_output(self) -> None:
        """Show the output of the run's processes, or the trials."""
        self.toggle_class("-output")
        self.remove_class("-zoomed", "-trial")
        (self.query_one(OutputPane) if self.has_class("-output") else self.table).focus()
        if self.model is not None and self.has_class("-output"):
            self.query_one(OutputPane).show(self.model)

    def action_zoom(self) -> None:
        """Show the curves only, or everything."""
        self.toggle_class("-zoomed")

    def action_follow(self) -> None:
        """Let the cursor follow the newest trial, or not."""
        if not self._follows and (self.model is None or not self.model.is_alive):
            self.show_message("Nothing is being trained in this run: there is nothing to follow.")
            return
        self._follows = not self._follows
        self.show_message("Following the newest trial." if self._follows else "Following no trial.")
        self._draw_trials()

    async def action_detach(self) -> None:
        """Go to the screen Runs, and show how to come back."""
        if self.model is not None:
            run = self.model.run
            goes = "goes on, also when you quit" if self.model.is_alive else "stays as it is"
            back = shlex.join(["genre-tui", run.path.name, *runs_option(self.session.runs)])
            self.show_message(f"{run.name} {goes}. Come back with: {back}")
        await self.app.action_go("runs")

    @on(RowTable.Chosen)
    async def _chosen(self, event: RowTable.Chosen) -> None:
        self.session.trial = event.item.id
        await self.app.action_go("confusion")

    @on(RowTable.Headed)
    def _headed(self, event: RowTable.Headed) -> None:
        names = [name for name, _ in trial_table.ORDERS]
        if event.item in names:
            place = names.index(event.item)
            self._order = 0 if self._order == place else place
            self._draw_trials()

    def _grow(self) -> None:
        self._is_waiting = False
        self._draw(grow=True)

    def _draw(self, *, grow: bool = False) -> None:
        model, width = self.model, self.size.width
        self.set_class(model is None, "-empty")
        if model is None:
            for name in ("#title", "#progress", "#devices"):
                self.put(name, Text())
            why = "No run is chosen. Press 2 for all runs; Enter opens one."
            if self._run is not None:
                why = self.app.problem or f"{self._run.name} cannot be read."
            self._notice(Text(why))
            return
        self.put("#title", title_line(model, width))
        self.put("#progress", progress_line(model, width))
        self.put("#devices", device_line(model, width))
        self._notice(notice_line(model))
        self._draw_trials()
        self._draw_curves(grow=grow and model.is_alive)
        if self.has_class("-output"):
            self.query_one(OutputPane).show(model)

    def _draw_curves(self, *, grow: bool = False) -> None:
        """Draw the curves; `grow` if only points were added."""
        if self.model is not None:
            self.put("#curves-caption", curves_line(self.model, self.options))
            self.plots.show(self.model, self.options, grows=grow)

    def _choose(self, **changes: object) -> None:
        """Change options, and draw the curves."""
        self.options = replace(self.options, **changes)  # type: ignore[arg-type]
        self._draw_curves()

    def _notice(self, text: Text) -> None:
        self.set_class(bool(text), "-noticed")
        self.put("#notice", text, layout=True)

    def _draw_trials(self) -> None:
        if self.model is None:
            return
        has_folds = self.model.manifest.folds != (None,)
        for column, title in trial_table.titles(self._order, has_folds=has_folds).items():
            self.table.title(column, title)
        rows = trial_table.rows(self.model, self._order)
        self.table.show(rows, "It has no trials.")
        if self._follows:
            self.table.move_to(self.model.progress.newest)
        elif self.session.trial and self.session.trial != self._asked:
            self.table.move_to(self.session.trial)
        self._asked = self.session.trial
        self._lay_out(len(rows))
        self._draw_trial()

    def _lay_out(self, trials: int) -> None:
        """Size the table to its number of rows."""
        is_wide, is_alone = self.has_class("-wide"), self.has_class("-trial")
        side = self.query_one("#side").styles
        side.height = "1fr" if is_wide else "40%" if is_alone else trials + 1
        side.width = (_WIDER if self.size.width >= _WIDEST else _WIDE) if is_wide else "100%"

    @on(RowTable.Moved)
    def _moved(self) -> None:
        """The variant under the cursor is drawn in front."""
        self._draw_trial()
        row, model = self.table.item, self.model
        if row is not None and model is not None:
            number = model.variants.index(row.variant)
            if number != self.options.variant:
                self._choose(variant=number)

    def _draw_trial(self) -> None:
        row = self.table.item
        if self.model is not None and row is not None:
            self.query_one(TrialPane).show(self.model, row.id)

    def _pin_of(self, row: TrialEntry) -> str:
        """The mark of a pinned trial's curve."""
        pinned = self.options.pinned
        return str((pinned.index(row.id) + 1) % 10) if row.id in pinned else ""


def _after(values: tuple[Value, ...], value: Value) -> Value:
    """The next value, cyclically."""
    return values[(values.index(value) + 1) % len(values)]
