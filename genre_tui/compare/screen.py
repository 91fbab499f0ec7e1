"""The screen Compare: what a run answers, or several runs side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from data.terminal.text import clean
from experiments.runs.directory import RunDirectory
from genre_tui.compare import one_run, several_runs
from genre_tui.compare.comparison_data import (
    FIGURES,
    Figure,
    OneRun,
    Several,
    analysed,
    beside,
    comparison_csv,
    look,
    statistics_json,
)
from genre_tui.compare.run_selection import Chosen, run_line
from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.shell.page import Page
from genre_tui.shell.pick_dialog import PickDialog
from genre_tui.watch.messages import RunsSeen, RunUpdate
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.status_text import Said

_REST = 10.0  # seconds between two computations while runs go on
_FEW_PAIRS = 6  # that are shown without being asked for

Key = tuple[tuple[str, object, int], ...]


class ComparePage(Page):
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
        self._chosen = Chosen()
        self._key: Key | None = None
        self._began = 0.0
        self._is_waiting = False
        self._shown: OneRun | Several | None = None

    def body(self) -> Iterable[Widget]:
        """Which runs, the answer, figures, and beside or below them the rest."""
        with VerticalScroll(id="body"):
            yield Said(id="heading")
            yield Said(id="answer")
            with Container(id="panes"):
                yield Static(id="figures")
                yield Static(id="beside")

    def shown(self) -> None:
        """The keys scroll."""
        self.query_one("#body").focus()

    def go_to(self, name: str) -> None:
        """Show the marked runs, or the one that is looked at, whatever was shown before."""
        self._chosen.begin()
        self._look()

    def runs_seen(self, told: RunsSeen) -> None:
        """Compute anew what has changed."""
        self._look()

    def run_changed(self, model: RunModel | None, told: RunUpdate | None) -> None:
        """Likewise."""
        self._look()

    @property
    def _summaries(self) -> tuple[RunSummary, ...]:
        told = self.app.runs
        return told.summaries if told else ()

    def _wanted(self) -> list[RunDirectory]:
        """The runs to show."""
        return self._chosen.runs(self._summaries, self.session.run, self.session.marked)

    @property
    def _nothing(self) -> str:
        return f"There are no runs in {self.session.runs} yet: start one on the screen Studies (1)."

    def _look(self) -> None:
        """Compute what is to be shown, unless that is being done, or has been."""
        runs = self._wanted()
        key = tuple(self._stamp(run) for run in runs)
        if key == self._key:
            return
        same = self._key is not None and [one[0] for one in key] == [one[0] for one in self._key]
        wait = self._began + _REST - monotonic()
        if same and wait > 0:
            if not self._is_waiting:
                self._is_waiting = True
                self.set_timer(wait, self._look_again)
            return
        self._key, self._began = key, monotonic()
        if not same:
            self._shown = None
            self._say_heading(Text("Reading ..." if runs else self._nothing, "dim"))
        if len(runs) == 1:
            in_background(self, "compare", partial(look, runs[0]), self._judge, self._fail)
        elif runs:
            in_background(self, "compare", partial(beside, runs), self._take, self._fail)

    def _look_again(self) -> None:
        self._is_waiting = False
        self._look()

    def _stamp(self, run: RunDirectory) -> tuple[str, object, int]:
        """Changes when a run's results may have."""
        for one in self._summaries:
            if one.run == run:
                return str(run.path), one.state, one.done
        model = self.app.model
        if model is not None and model.run == run:
            return str(run.path), model.state, model.count("finished", "failed", "diverged")
        return str(run.path), None, 0

    def _judge(self, one: OneRun) -> None:
        """Show what there is, and compute the rest."""
        known = self._shown
        if not isinstance(known, OneRun) or known.result.run != one.result.run:
            self._take(one)  # else what is known stays in sight until the new analysis is there

        def fail(problem: str) -> None:
            self._take(replace(one, problem=problem))

        in_background(self, "compare", partial(analysed, one), self._take, fail)

    def _take(self, shown: OneRun | Several) -> None:
        self._shown = shown
        self._draw()

    def _fail(self, problem: str) -> None:
        self._shown = None
        self._say_heading(Text(problem))

    def _say_heading(self, text: Text) -> None:
        """Say something instead of figures."""
        self._tell(text, Text(), Text(), Text())

    def _draw(self) -> None:
        shown = self._shown
        if isinstance(shown, OneRun):
            heading, answer = one_run.heading(shown), one_run.answer_text(shown)
            figures = one_run.variants(shown, self._figure)
            rest = one_run.beside(shown, self._shows_pairs(shown))
        elif isinstance(shown, Several):
            heading, answer = several_runs.heading(shown), Text()
            figures = several_runs.figures(shown, self._figure)
            rest = several_runs.beside(shown)
        else:
            return
        self._tell(heading, answer, figures, rest)

    def _tell(
        self, heading: Text, answer: Text, figures: RenderableType, rest: RenderableType
    ) -> None:
        with self.app.batch_update():  # each of them may move the others
            self.query_one("#heading", Said).tell(heading, grows=True)
            self.query_one("#answer", Said).tell(answer, grows=True)
            self.query_one("#figures", Static).update(figures)
            self.query_one("#beside", Static).update(rest)

    def _shows_pairs(self, one: OneRun) -> bool:
        if self._pairs is not None or one.analysis is None or one.analysis.answer is None:
            return bool(self._pairs)
        return len(one.analysis.answer.pairs) <= _FEW_PAIRS

    def action_figure(self) -> None:
        """Go from macro-F1 to accuracy, or back."""
        others = [figure for figure in FIGURES if figure != self._figure]
        self._figure = others[0]
        self._draw()

    def action_pairs(self) -> None:
        """Show each two variants, or do so no more."""
        if isinstance(self._shown, OneRun):
            self._pairs = not self._shows_pairs(self._shown)
            self._draw()
        else:
            self.say("Pairs of variants are shown of one run alone: press x.")

    def action_alone(self) -> None:
        """Show one run, or again several."""
        self._chosen.other_way()
        if len(self._wanted()) < 2 and not self._chosen.alone:
            self.say("No other run is marked: press o to choose one.")
        self._look()

    def action_turn(self) -> None:
        """Hold the runs against the next one."""
        if isinstance(self._shown, Several):
            self._chosen.turns += 1
            self._look()
        else:
            self.say("There is one run here: press o to choose another one.")

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
            self.say("There is no other run to compare with.")

    def _pick(self, path: str | None) -> None:
        for one in self._summaries:
            if path is not None and str(one.run.path) == path:
                self._chosen.pick(one.run)
                self._look()

    def exportable(self) -> dict[str, str]:
        """The figures, and all that was computed."""
        if self._shown is None:
            return {}
        return {
            "comparison.csv": comparison_csv(self._shown),
            "statistics.json": statistics_json(self._shown),
        }

    def copyable(self) -> str:
        """The answer in a sentence, or the comparisons in some."""
        if isinstance(self._shown, OneRun):
            return one_run.answer(self._shown)
        if isinstance(self._shown, Several):
            return "\n".join(clean(one.sentence) for one in self._shown.compared.best)
        return ""
