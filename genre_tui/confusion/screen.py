"""The screen Confusion: a confusion matrix, and the test segments in each cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from experiments.results.confusion_matrix import Counts
from genre_tui.confusion.captions import about_text, cell_text, headline, mixed_up, trial_line
from genre_tui.confusion.matrix import as_text, classes_csv, confusion_csv
from genre_tui.confusion.matrix_selection import (
    MatrixSelection,
    Tests,
    first_tested,
    read_tests,
    seed_siblings,
)
from genre_tui.confusion.matrix_view_state import MatrixView, MatrixViewState
from genre_tui.confusion.matrix_widget import MatrixWidget
from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.dialogs import PickDialog
from genre_tui.watch.messages import RunsListed, RunUpdate
from genre_tui.widgets.status_text import StatusText

_READING_DELAY = 0.3  # seconds until the former matrix is replaced by a message
_MOST_BESIDE = 12  # number of genres up to which the frequent mistakes have room


class ConfusionPage(BasePage):
    """The confusion matrix of validation or test rows, of a trial or summed over its seeds."""

    MODE: ClassVar[str] = "confusion"
    DEFAULT_CSS = """
    ConfusionPage #headline { height: 1; }
    ConfusionPage #about { height: auto; max-height: 4; }
    ConfusionPage #detail { height: 2; color: $text-muted; }
    ConfusionPage #mixed { width: 42; height: 1fr; padding: 1 0 0 2; display: none; }
    ConfusionPage.-wide #mixed { display: block; }
    ConfusionPage.-many #mixed { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "measure", "Counts/%", tooltip="Counts, % of true, % of predicted genre"),
        Binding("n", "trial(1)", "Next trial"),
        Binding("b", "rows", "Validation/test", tooltip="Validation rows or test rows"),
        Binding("d", "mark", "Difference", tooltip="Mark this matrix: show differences to it"),
        Binding("[", "epoch(-1)", "Epoch", key_display="[", tooltip="Epoch before"),
        Binding("]", "epoch(1)", "Next epoch", key_display="]", show=False),
        Binding("a", "seeds", "All seeds", tooltip="Sum over the variant's seeds, or one trial"),
        Binding("t", "choose_trial", "Trials", tooltip="Choose a trial from a list"),
        Binding("f", "follow", "Follow", tooltip="Follow the newest epoch"),
        Binding("N", "trial(-1)", "Trial before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._state = MatrixViewState()
        self._shown: MatrixView | None = None
        self._reading: list[str] = []  # ids of trials whose test matrices are being read
        self.listed = ""  # the segments that were listed last, as CSV

    def body(self) -> Iterable[Widget]:
        """Headlines, the matrix with frequent mistakes beside it, the selected cell."""
        with Vertical(id="body"):
            yield StatusText(id="headline", classes="title")
            yield StatusText(id="about")
            with Horizontal(id="panes"):
                yield MatrixWidget(id="matrix")
                yield StatusText(id="mixed")
            yield StatusText(id="detail")

    def runs_updated(self, update: RunsListed) -> None:
        """Open the newest run where none is open."""
        if self.session.run is None and self.is_current:
            there = [one.run for one in update.summaries if one.state != "damaged"]
            if there:
                self.app.open_run(there[0])

    def activated(self) -> None:
        """Select the trial that was chosen on another screen."""
        if self.focused is None:
            self.query_one(MatrixWidget).focus()
        state, trial = self._state, self.session.trial
        if state.model is None or state.selection is None or trial not in state.model.trials:
            return
        if trial != state.selection.trial:
            self._select(MatrixSelection(trial, state.selection.rows))

    def run_updated(self, model: RunModel | None, update: RunUpdate | None) -> None:
        """Reset the page for another run; else draw what has changed."""
        state = self._state
        if model is not state.model:
            self.listed, self._reading = "", []
        state.update(model, update)
        if model and state.selection is None and model.state is not None:
            self._begin(model, state.begin(self.session.trial))
        self._draw()

    def _begin(self, model: RunModel, names: list[str]) -> None:
        """Select the first of some trials that was tested, with all its seeds."""
        if not names or names == self._reading:
            return
        self._reading = names

        def handle(found: tuple[str, Counts] | None) -> None:
            if model is not self._state.model:
                return
            self._reading = []
            self._state.selection = MatrixSelection(names[0])
            if found is not None:
                trial, counts = found
                self._state.add_tests({trial: counts})
                several = len(names) > 1 and len(seed_siblings(model, trial)) > 1
                self._state.selection = MatrixSelection(trial, "test", all_seeds=several)
            self._draw()

        work = partial(first_tested, model.run, names, len(model.genres))
        in_background(self, "tests", work, handle, partial(self._failed, model, names[0]))

    def _read(self, model: RunModel, names: list[str]) -> None:
        """Read test matrices, unless they are being read."""
        if names == self._reading:
            return
        self._reading = names

        def handle(found: Tests) -> None:
            if model is self._state.model:
                self._reading = []
                self._state.add_tests(found)
                self._draw()

        work = partial(read_tests, model.run, names, len(model.genres))
        in_background(self, "tests", work, handle, partial(self._failed, model, names[0]))

    def _failed(self, model: RunModel, trial: str, problem: str) -> None:
        if model is self._state.model:
            self._state.problem, self._reading = problem, []
            self._state.selection = self._state.selection or MatrixSelection(trial, "test")
            self._draw()

    def _select(self, selection: MatrixSelection) -> None:
        self._state.select(selection)
        self._moved()

    def _moved(self, problem: str = "") -> None:
        """Show the selected matrix, and a message where there is one."""
        if problem:
            self.show_message(problem)
        if self._state.selection and self._state.selection.trial:
            self.session.trial = self._state.selection.trial
        self._draw()

    def _draw(self, waits: bool = True) -> None:
        """Show the selected matrix; read it first where that is needed.

        If it `waits`, the former matrix stays visible meanwhile.
        """
        state = self._state
        model, shown = state.model, state.show()
        if model and (unread := state.unread):
            self._read(model, unread)
            if waits and self._shown and self._shown.grid:
                self.set_timer(_READING_DELAY, partial(self._draw, waits=False))
                return
        self._shown = shown
        self.put("#headline", headline(model) if model else Text())
        self.put("#about", about_text(shown), layout=True)
        self.query_one(MatrixWidget).show(shown.grid, shown.selected.missing)
        self.put("#mixed", mixed_up(shown.grid) if shown.grid else Text())
        self.set_class(model is not None and len(model.genres) > _MOST_BESIDE, "-many")
        self._describe_cell()

    @on(MatrixWidget.Moved)
    def _describe_cell(self) -> None:
        """Describe the cell under the cursor."""
        matrix, selection = self.query_one(MatrixWidget), self._state.selection
        is_test = selection is not None and selection.rows == "test"
        text = cell_text(matrix.grid, *matrix.cursor, is_test) if matrix.grid else Text()
        self.put("#detail", text)

    @on(MatrixWidget.Chosen)
    def _list_segments(self) -> None:
        """Open the list of the cell's segments."""
        i, j = self.query_one(MatrixWidget).cursor
        model, selection, shown = self._state.model, self._state.selection, self._shown
        if model is None or selection is None or shown is None or shown.selected.counts is None:
            return
        if selection.rows != "test":
            self.show_message("Segments are recorded for the test rows only: press b to see those.")
        elif not shown.selected.counts[i][j]:
            self.show_message("There are no segments in this cell.")
        else:
            from genre_tui.confusion.segments_dialog import SegmentsDialog

            trials, on_listed = shown.selected.trials, partial(setattr, self, "listed")
            dialog = SegmentsDialog(model, trials, i, j, on_listed, self.show_message)
            self.app.push_screen(dialog)

    def action_measure(self) -> None:
        """Change from counts to shares of rows, to shares of columns."""
        self._state.next_measure()
        self._draw()

    def action_trial(self, step: int) -> None:
        """Select another trial."""
        before = self._state.selection
        self._state.next_trial(step)
        if self._state.selection == before:
            self.show_message(
                "There is no other one: press a to see the seeds one by one, or their sum."
            )
        self._moved()

    def action_epoch(self, step: int) -> None:
        """Select another epoch's validation rows."""
        self._moved(self._state.next_epoch(step))

    def action_follow(self) -> None:
        """Select the newest epoch, also when further ones come."""
        self._state.follow()
        self._moved()

    def action_rows(self) -> None:
        """Change between validation rows and test rows."""
        self._state.toggle_rows()
        self._moved()

    def action_seeds(self) -> None:
        """Turn the sum over seeds on or off."""
        self._moved(self._state.toggle_seeds())

    def action_mark(self) -> None:
        """Set or clear the reference matrix, which others are compared with."""
        self._moved(self._state.toggle_reference())

    def action_choose_trial(self) -> None:
        """Choose a trial from a list."""
        model, selection = self._state.model, self._state.selection
        if model and selection:
            trials = [(name, trial_line(trial)) for name, trial in model.trials.items()]
            self.app.push_screen(PickDialog("Trials", trials, selection.trial), self._choose)

    def _choose(self, name: str | None) -> None:
        model, selection = self._state.model, self._state.selection
        if name and model and selection and name in model.trials:
            self._select(replace(selection, trial=name, all_seeds=False))

    def exportable(self) -> dict[str, str]:
        """The matrix, the metrics of its classes, and the segments listed last."""
        if self._shown is None or self._shown.grid is None:
            return {}
        genres, counts = self._shown.grid.genres, self._shown.grid.now.counts
        texts = {"confusion.csv": confusion_csv(genres, counts)}
        texts["classes.csv"] = classes_csv(genres, counts)
        return texts | ({"segments.csv": self.listed} if self.listed else {})

    def copyable(self) -> str:
        """The matrix as text."""
        if self._shown is None or self._shown.grid is None:
            return ""
        grid = self._shown.grid
        return f"{self._shown.selected.title}\n{as_text(grid.genres, grid.now.counts)}"
