"""The screen Compare: the answer of one run, or the comparison of several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from experiments.runs.directory import RunDirectory
from genre_tui.compare import one_run, several_runs
from genre_tui.compare.comparison_data import (
    FIGURES,
    Figure,
    SeveralRuns,
    SingleRun,
    analysed,
    compare_runs,
    comparison_csv,
    read_run,
    statistics_json,
)
from genre_tui.compare.run_selection import RunSelection, run_line
from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.dialogs import PickDialog
from genre_tui.watch.messages import RunsListed, RunUpdate
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.status_text import StatusText

_LEAST_INTERVAL = 10.0  # seconds between two computations of the same runs
_FEW_PAIRS = 6  # number of pairs up to which they are shown at first

_EMPTY = Text()

Key = tuple[tuple[str, object, int], ...]


class ComparePage(BasePage):
    """Variants with intervals, the answer, baselines; differences between runs."""

    MODE: ClassVar[str] = "compare"
    DEFAULT_CSS = """
    ComparePage #body { padding: 0 1; scrollbar-size-vertical: 1; scrollbar-gutter: stable; }
    ComparePage #heading { height: auto; }
    ComparePage #answer { height: auto; margin-bottom: 1; }
    ComparePage #panes { height: auto; layout: vertical; }
    ComparePage #figures { height: auto; width: 1fr; margin-bottom: 1; }
    ComparePage #beside { height: auto; width: 1fr; }
    ComparePage.-wide #panes { layout: horizontal; }
    ComparePage.-wide #figures { width: 3fr; padding-right: 3; }
    ComparePage.-wide #beside { width: 2fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "figure", "Figure", tooltip="Macro-F1 or accuracy"),
        Binding("o", "other", "Other run", tooltip="Choose a second run to compare with"),
        Binding("x", "alone", "One run", tooltip="One run alone, or again beside others"),
        Binding("p", "pairs", "Pairs", tooltip="Each two variants, with adjusted p-values"),
        Binding("w", "turn", "Turn", tooltip="Hold the runs against the next one"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._figure: Figure = "macro_f1"
        self._pairs: bool | None = None
        self._selection = RunSelection()
        self._key: Key | None = None
        self._began = 0.0
        self._is_waiting = False
        self._shown: SingleRun | SeveralRuns | None = None

    def body(self) -> Iterable[Widget]:
        """Heading, answer, variants; baselines and pairs beside or below them."""
        with VerticalScroll(id="body"):
            yield StatusText(id="heading")
            yield StatusText(id="answer")
            with Container(id="panes"):
                yield Static(id="figures")
                yield Static(id="beside")

    def activated(self) -> None:
        """Focus the body, so that keys scroll it."""
        self.query_one("#body").focus()

    def go_to(self, name: str) -> None:
        """Show the marked runs, or the open one."""
        self._selection.reset()
        self._update()

    def runs_updated(self, update: RunsListed) -> None:
        """Compute again what has changed."""
        self._update()

    def run_updated(self, model: RunModel | None, update: RunUpdate | None) -> None:
        """Compute again what has changed."""
        self._update()

    @property
    def _summaries(self) -> tuple[RunSummary, ...]:
        return self.app.runs.summaries if self.app.runs else ()

    def _wanted(self) -> list[RunDirectory]:
        return self._selection.runs(self._summaries, self.session.run, self.session.marked)

    def _update(self) -> None:
        """Compute the selected runs, unless that is done or in progress."""
        runs = self._wanted()
        key = tuple(self._stamp(run) for run in runs)
        if key == self._key:
            return
        same = self._key is not None and [one[0] for one in key] == [one[0] for one in self._key]
        wait = self._began + _LEAST_INTERVAL - monotonic()
        if same and wait > 0:
            if not self._is_waiting:
                self._is_waiting = True
                self.set_timer(wait, self._update_later)
            return
        self._key, self._began = key, monotonic()
        if not same:
            self._shown = None
            nothing = f"There are no runs in {self.session.runs} yet: start one on the screen "
            text = "Reading ..." if runs else f"{nothing}Studies (1)."
            self._set_parts(Text(text, "dim"))
        if len(runs) == 1:
            in_background(self, "compare", partial(read_run, runs[0]), self._analyse, self._fail)
        elif runs:
            in_background(self, "compare", partial(compare_runs, runs), self._show, self._fail)

    def _update_later(self) -> None:
        self._is_waiting = False
        self._update()

    def _stamp(self, run: RunDirectory) -> tuple[str, object, int]:
        """A value that changes when a run's results may have changed."""
        for one in self._summaries:
            if one.run == run:
                return str(run.path), one.state, one.done
        model = self.app.model
        if model is not None and model.run == run:
            return str(run.path), model.state, model.count("finished", "failed", "diverged")
        return str(run.path), None, 0

    def _analyse(self, one: SingleRun) -> None:
        """Show the results, and compute their analysis."""
        known = self._shown
        if not isinstance(known, SingleRun) or known.result.run != one.result.run:
            self._show(one)  # else the former analysis stays visible until the new one is there

        def fail(problem: str) -> None:
            self._show(replace(one, problem=problem))

        in_background(self, "compare", partial(analysed, one), self._show, fail)

    def _show(self, shown: SingleRun | SeveralRuns) -> None:
        self._shown = shown
        self._draw()

    def _fail(self, problem: str) -> None:
        self._shown = None
        self._set_parts(Text(problem))

    def _draw(self) -> None:
        shown = self._shown
        if isinstance(shown, SingleRun):
            heading, answer = several_runs.title(shown.result), one_run.answer_text(shown)
            figures = one_run.variants(shown, self._figure)
            rest = one_run.beside(shown, self._shows_pairs(shown))
        elif isinstance(shown, SeveralRuns):
            heading, answer = several_runs.heading(shown), Text()
            figures = several_runs.figures(shown, self._figure)
            rest = several_runs.beside(shown)
        else:
            return
        self._set_parts(heading, answer, figures, rest)

    def _set_parts(
        self,
        heading: Text,
        answer: Text = _EMPTY,
        figures: RenderableType = _EMPTY,
        rest: RenderableType = _EMPTY,
    ) -> None:
        with self.app.batch_update():  # each part may move the others
            self.put("#heading", heading, layout=True)
            self.put("#answer", answer, layout=True)
            self.query_one("#figures", Static).update(figures)
            self.query_one("#beside", Static).update(rest)

    def _shows_pairs(self, one: SingleRun) -> bool:
        if self._pairs is not None or one.analysis is None or one.analysis.answer is None:
            return bool(self._pairs)
        return len(one.analysis.answer.pairs) <= _FEW_PAIRS

    def action_figure(self) -> None:
        """Change between macro-F1 and accuracy."""
        self._figure = next(figure for figure in FIGURES if figure != self._figure)
        self._draw()

    def action_pairs(self) -> None:
        """Show or hide the pairs of variants."""
        if isinstance(self._shown, SingleRun):
            self._pairs = not self._shows_pairs(self._shown)
            self._draw()
        else:
            self.show_message("Pairs of variants are shown of one run alone: press x.")

    def action_alone(self) -> None:
        """Change between one run and several."""
        self._selection.reset(alone=not self._selection.alone)
        if len(self._wanted()) < 2 and not self._selection.alone:
            self.show_message("No other run is marked: press o to choose one.")
        self._update()

    def action_turn(self) -> None:
        """Compare the runs with the next one."""
        if isinstance(self._shown, SeveralRuns):
            self._selection.turns += 1
            self._update()
        else:
            self.show_message("There is one run here: press o to choose another one.")

    def action_other(self) -> None:
        """Choose a second run."""
        here = self._wanted()[:1]
        entries = [
            (str(one.run.path), run_line(one))
            for one in self._summaries
            if one.state != "damaged" and one.run not in here
        ]
        if here and entries:
            self.app.push_screen(PickDialog("Compare with", entries), self._pick)
        else:
            self.show_message("There is no other run to compare with.")

    def _pick(self, path: str | None) -> None:
        if path is not None:
            self._selection.reset(RunDirectory(Path(path)))
            self._update()

    def exportable(self) -> dict[str, str]:
        """The results as CSV, and all computed values as JSON."""
        if self._shown is None:
            return {}
        return {
            "comparison.csv": comparison_csv(self._shown),
            "statistics.json": statistics_json(self._shown),
        }

    def copyable(self) -> str:
        """The answer, or the comparisons of best variants."""
        if isinstance(self._shown, SingleRun):
            return one_run.answer(self._shown)
        if isinstance(self._shown, SeveralRuns):
            return "\n".join(one.sentence for one in self._shown.compared.best)
        return ""
