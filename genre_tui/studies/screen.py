"""The screen Studies: all studies with their costs and last results."""

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
from genre_tui.core.subprocess_command import CommandResult, SubprocessCommand
from genre_tui.shell.base_page import BasePage
from genre_tui.studies.study_details import StudyDialog, about_text, variants_table
from genre_tui.studies.study_rows import (
    LastResult,
    StudyLine,
    built_in_studies,
    newest_finished,
    read_result,
    studies_csv,
    study_columns,
    study_sign,
    user_studies,
    with_costs,
    with_runs,
)
from genre_tui.watch.messages import RunsListed
from genre_tui.watch.run_summary import RunSummary
from genre_tui.widgets.row_table import RowTable
from genre_tui.widgets.status_text import StatusText


class StudiesPage(BasePage):
    """The table of studies, and details of the one under the cursor."""

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
        self._ours = {line.name: line for line in built_in_studies()}
        self._own: dict[str, StudyLine] = {}
        self._runs: defaultdict[str, list[RunSummary]] = defaultdict(list)
        self._results: dict[Path, LastResult] = {}
        self._about: Study | None = None  # whose variants are shown
        self._is_reading = False
        self._measuring: SubprocessCommand | None = None

    def body(self) -> Iterable[Widget]:
        """The table, and the study's details below it."""
        with Vertical(id="body"):
            yield RowTable(study_columns(), lambda line: line.name, study_sign, id="studies")
            with VerticalScroll(id="about"), Horizontal():
                yield StatusText(id="text")
                yield Static(id="variants")

    def on_mount(self) -> None:
        """Show the studies at once, and estimate their costs afterwards."""
        self._show()
        self.call_after_refresh(self._estimate)

    def on_unmount(self) -> None:
        """End a measurement."""
        if self._measuring is not None:
            self._measuring.cancel()

    def activated(self) -> None:
        """Look for the user's studies again."""

        def find() -> list[StudyLine]:
            return [with_costs(line) for line in user_studies()]

        in_background(self, "own", find, self._show_user_studies, self.show_problem)

    def runs_updated(self, update: RunsListed) -> None:
        """Show running runs, and read results of finished ones."""
        self._runs = defaultdict(list)
        for summary in update.summaries:
            self._runs[summary.study].append(summary)
        self._show()
        if update.complete and not self._is_reading:
            self._read_next()

    @property
    def line(self) -> StudyLine | None:
        """The study under the cursor."""
        line: StudyLine | None = self.table.item
        return line

    def action_start(self) -> None:
        """Open the form that starts a run of the study."""
        line = self.line
        if line is None or not self.may_change("started"):
            return
        if line.study is None:
            self.show_problem(line.problem)
        else:
            from genre_tui.studies.start_form import StartForm

            self.app.push_screen(StartForm(line, self))

    def action_measure(self) -> None:
        """Measure how long training takes on this machine."""
        if not self.may_change("measured"):
            return
        if self._measuring is not None:
            self._measuring.cancel()
        elif all(line.is_measured for line in self._ours.values()):
            self.show_message("This machine has been measured.")
        else:
            self.show_message("Measuring this machine: some seconds. m ends it.")
            self._measuring = SubprocessCommand(["experiments", "list", "--measure"])
            self._measuring.start(partial(self.call_later, self._measured))

    @on(RowTable.Moved, "#studies")
    def _about_another(self) -> None:
        self.query_one("#about").scroll_home(animate=False)
        self._show_about()

    @on(RowTable.Chosen, "#studies")
    def _open(self, event: RowTable.Chosen) -> None:
        dialog = StudyDialog(event.item)
        self.app.push_screen(dialog, lambda starts: self.action_start() if starts else None)

    def _show(self) -> None:
        """Show all rows, and the selected study's details."""
        lines = [
            with_runs(line, self._runs.get(line.folder, []), self._results)
            for line in [*self._ours.values(), *self._own.values()]
        ]
        self.table.show(lines)
        self._show_about()

    def _show_about(self) -> None:
        line = self.line
        if line is not None:
            self.put("#text", about_text(line), layout=True)
        if line is not None and line.study is not self._about:
            self._about = line.study
            variants = variants_table(line.study) if line.study else Text()
            self.query_one("#variants", Static).update(variants)

    def _estimate(self) -> None:
        """Estimate the costs of built-in studies: a second of work, each shown when known."""

        def work() -> None:
            for line in list(self._ours.values()):
                self.call_later(self._show_cost, with_costs(line))

        in_background(self, "costs", work, lambda none: None, self.show_problem)

    def _read_next(self) -> None:
        """Read the result of one more newest finished run."""
        finished = filter(None, map(newest_finished, self._runs.values()))
        new = next((run for run in finished if run.run.path not in self._results), None)
        self._is_reading = new is not None
        if new is not None:
            fail = partial(self._show_result, new)
            in_background(self, "results", partial(read_result, new), fail, fail)

    def _show_cost(self, line: StudyLine) -> None:
        self._ours[line.name] = line
        self._show()

    def _show_user_studies(self, lines: Sequence[StudyLine]) -> None:
        self._own = {line.name: line for line in lines if line.name not in self._ours}
        self._show()

    def _show_result(self, of: RunSummary, last: LastResult | str) -> None:
        if isinstance(last, str):  # why it cannot be read
            last = LastResult(of.run, None, of.dataset, last)
        self._results[of.run.path] = last
        self._show()
        self._read_next()

    def _measured(self, ended: CommandResult) -> None:
        self._measuring = None
        if ended.problem:
            self.show_problem(ended.problem)
        elif not ended.cancelled:
            self.show_message("Measured.")
        self._estimate()

    def exportable(self) -> dict[str, str]:
        """The table."""
        return {"studies.csv": studies_csv(self.table.items)}

    def copyable(self) -> str:
        """The command line that starts the study."""
        return f"python -m experiments run {self.line.name}" if self.line else ""
