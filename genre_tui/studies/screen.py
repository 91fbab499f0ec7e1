"""The screen Studies: all questions, what they take here, what came of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from experiments.design.study import Study
from genre_tui.core.background import in_background
from genre_tui.core.subprocess_command import Command, Ended
from genre_tui.shell.page import Page
from genre_tui.studies.messages import Launched
from genre_tui.studies.study_dialog import StudyDialog
from genre_tui.studies.study_rows import (
    LastResult,
    StudyLine,
    newest_finished,
    our_lines,
    own_lines,
    read_last,
    with_costs,
    with_runs,
)
from genre_tui.studies.study_table import studies_csv, study_columns, study_sign
from genre_tui.studies.study_text import about_text, variants_table
from genre_tui.watch.messages import RunsSeen
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.row_table import RowTable
from genre_tui.widgets.status_text import Said


class StudiesPage(Page):
    """All studies, and what the one under the cursor is about."""

    MODE: ClassVar[str] = "studies"
    CHANGES = frozenset({"start"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "start", "New run"),
        Binding(
            "m", "measure", "Measure", show=False, tooltip="Measure how long training takes here"
        ),
    ]
    DEFAULT_CSS = """
    StudiesPage RowTable { height: auto; max-height: 60%; }
    StudiesPage #about { height: 1fr; border-top: solid $panel; padding: 0 1; }
    StudiesPage #about { scrollbar-size-vertical: 1; }
    StudiesPage #about > Horizontal { height: auto; }
    StudiesPage #text { width: 1fr; }
    StudiesPage #variants { width: auto; max-width: 50%; margin-left: 3; display: none; }
    StudiesPage.-wide #variants { display: block; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._ours = {line.name: line for line in our_lines()}
        self._own: dict[str, StudyLine] = {}
        self._runs: dict[str, list[RunSummary]] = {}
        self._results: dict[Path, LastResult] = {}
        self._about: Study | None = None  # whose variants are shown
        self._is_reading = False
        self._measuring: Command | None = None

    def body(self) -> Iterable[Widget]:
        """The table, and below it what the study is about."""
        with Vertical(id="body"):
            yield RowTable(study_columns(), lambda line: line.name, study_sign, id="studies")
            with VerticalScroll(id="about"), Horizontal():
                yield Said(id="text")
                yield Static(id="variants")

    def on_mount(self) -> None:
        """Show what is known at once, and find out the rest."""
        self._show()
        self.call_after_refresh(self._foresee)

    def on_unmount(self) -> None:
        """Leave nothing behind."""
        if self._measuring is not None:
            self._measuring.cancel()

    def shown(self) -> None:
        """Files may have come or gone."""
        self._look_for_own()

    def runs_seen(self, told: RunsSeen) -> None:
        """Show what goes on, and read what has been finished."""
        runs = defaultdict(list)
        for summary in told.summaries:
            runs[summary.study].append(summary)
        self._runs = runs
        self._show()
        if told.complete and not self._is_reading:
            self._read_next()

    def go_to(self, name: str) -> None:
        """Put the cursor on a study."""
        self._table.move_to(name)

    @property
    def line(self) -> StudyLine | None:
        """The study under the cursor."""
        return self._table.item

    def action_start(self) -> None:
        """Ask how, and start a run of the study."""
        line = self.line
        if self.session.read_only:
            self.say("Started with --read-only: nothing is started here.")
        elif line is not None and line.study is None:
            self.say(line.problem, problem=True)
        elif line is not None:
            from genre_tui.studies.start_form import StudyForm

            self.app.push_screen(StudyForm(line, self))

    def action_measure(self) -> None:
        """Measure how long training takes on this machine."""
        if self.session.read_only:
            self.say("Started with --read-only: nothing is measured here.")
        elif self._measuring is not None:
            self._measuring.cancel()
        elif all(line.is_measured for line in self._ours.values()):
            self.say("This machine has been measured.")
        else:
            self.say("Measuring this machine: some seconds. m ends it.")
            self._measuring = Command(["experiments", "list", "--measure"])
            self._measuring.start(partial(self.call_later, self._measured))

    async def on_launched(self, told: Launched) -> None:
        """Go to the run that was started, or say why there is none."""
        from genre_tui.studies.start_form import StudyForm

        form = told.form if told.form in self.app.screen_stack else None
        if told.run is None and isinstance(form, StudyForm):
            form.refused(told.problem)
        elif told.run is None:
            self.say(told.problem, problem=True)
        else:
            self.app.refresh_runs()
            if form is None:
                self.say(f"Started {told.run.name}.")
                return
            self.app.open_run(told.run)
            await self.app.action_go("run")

    @on(RowTable.Moved, "#studies")
    def _about_another(self) -> None:
        self.query_one("#about").scroll_home(animate=False)
        self._show_about()

    @on(RowTable.Chosen, "#studies")
    def _open(self) -> None:
        if self.line is not None:
            self.app.push_screen(StudyDialog(self.line), self._opened)

    def _opened(self, starts: bool | None) -> None:
        if starts:
            self.action_start()

    def _show(self) -> None:
        """Rows that have changed, and what the study under the cursor is about."""
        lines = [
            with_runs(line, self._runs.get(line.files, []), self._results)
            for line in [*self._ours.values(), *self._own.values()]
        ]
        self._table.show(lines)
        self._show_about()

    def _show_about(self) -> None:
        line = self.line
        if line is not None:
            self.query_one("#text", Said).tell(about_text(line), grows=True)
        if line is not None and line.study is not self._about:
            self._about = line.study
            variants = variants_table(line.study) if line.study else Text()
            self.query_one("#variants", Static).update(variants)

    @property
    def _table(self) -> RowTable[StudyLine]:
        return self.query_one("#studies", RowTable)

    def _foresee(self) -> None:
        """What our studies take here, one after the other: a second of work in all."""
        self._foresee_next(list(self._ours.values()))

    def _foresee_next(self, lines: Sequence[StudyLine]) -> None:
        if lines:
            take = partial(self._take_cost, lines[1:])
            in_background(self, "costs", partial(with_costs, lines[0]), take, self._problem)

    def _look_for_own(self) -> None:
        def look() -> list[StudyLine]:
            return [with_costs(line) for line in own_lines()]

        in_background(self, "own", look, self._take_own, self._problem)

    def _read_next(self) -> None:
        """Read what came of the newest finished run of a study, where that was not done yet."""
        finished = filter(None, map(newest_finished, self._runs.values()))
        new = next((run for run in finished if run.run.path not in self._results), None)
        self._is_reading = new is not None
        if new is not None:
            fail = partial(self._take_result, new)
            in_background(self, "results", partial(read_last, new), fail, fail)

    def _take_cost(self, others: Sequence[StudyLine], line: StudyLine) -> None:
        self._ours[line.name] = line
        self._show()
        self._foresee_next(others)

    def _take_own(self, lines: Sequence[StudyLine]) -> None:
        self._own = {line.name: line for line in lines if line.name not in self._ours}
        self._show()

    def _take_result(self, of: RunSummary, last: LastResult | str) -> None:
        if isinstance(last, str):  # it cannot be read
            last = LastResult(of.run, None, of.dataset, last)
        self._results[of.run.path] = last
        self._show()
        self._read_next()

    def _problem(self, problem: str) -> None:
        self.say(problem, problem=True)

    def _measured(self, ended: Ended) -> None:
        self._measuring = None
        if ended.problem:
            self.say(ended.problem, problem=True)
        elif not ended.cancelled:
            self.say("Measured.")
        self._foresee()

    def exportable(self) -> dict[str, str]:
        """The table."""
        return {"studies.csv": studies_csv(self._table.items)}

    def copyable(self) -> str:
        """The command line that starts the study."""
        return f"python -m experiments run {self.line.name}" if self.line else ""
