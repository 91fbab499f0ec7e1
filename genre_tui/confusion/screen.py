"""The screen Confusion: a confusion matrix, and the test segments in each cell."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from experiments.results.confusion_matrix import Measure
from experiments.runs.directory import RunDirectory
from genre_tui.confusion.captions import about_text, cell_text, headline, mixed_up, trial_line
from genre_tui.confusion.matrix import MEASURES, as_text, classes_csv, confusion_csv
from genre_tui.confusion.matrix_selection import (
    MatrixSelection,
    MatrixView,
    first_tested,
    read_tests,
)
from genre_tui.confusion.matrix_view_state import MatrixViewState
from genre_tui.confusion.matrix_widget import MatrixWidget
from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.dialogs import PickDialog
from genre_tui.watch.messages import RunsListed, RunUpdate
from genre_tui.widgets.status_text import StatusText

T = TypeVar("T")
_READING_DELAY = 0.3  # seconds until the former matrix is replaced by a message
_MOST_BESIDE = 12  # number of genres up to which the frequent mistakes have room
_NO_RUN = MatrixView(missing="No run is chosen: choose one on the screen Runs (key 2).")


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
        Binding("n", "change('next_trial', 1)", "Next trial"),
        Binding(
            "b", "change('toggle_rows')", "Validation/test", tooltip="Validation rows or test rows"
        ),
        Binding(
            "d",
            "change('toggle_reference')",
            "Difference",
            tooltip="Mark this matrix: show differences to it",
        ),
        Binding("[", "change('next_epoch', -1)", "Epoch", key_display="[", tooltip="Epoch before"),
        Binding("]", "change('next_epoch', 1)", "Next epoch", key_display="]", show=False),
        Binding(
            "a",
            "change('toggle_seeds')",
            "All seeds",
            tooltip="Sum over the variant's seeds and folds, or one trial",
        ),
        Binding("t", "choose_trial", "Trials", tooltip="Choose a trial from a list"),
        Binding("f", "change('follow')", "Follow", tooltip="Follow the newest epoch"),
        Binding("N", "change('next_trial', -1)", "Trial before", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._state: MatrixViewState | None = None  # of the open run
        self._measure: Measure = "counts"
        self._shown = _NO_RUN
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
        if state and state.selection.trial not in ("", trial) and trial in state.model.trials:
            state.select(MatrixSelection(trial, state.selection.rows))
            self._draw()

    def run_updated(self, model: RunModel | None, update: RunUpdate | None) -> None:
        """Reset the page for another run; else draw what has changed."""
        state = self._state
        if model is not (state and state.model):
            self.listed, self._reading = "", []
            state = self._state = MatrixViewState(model) if model else None
        if state:
            state.update(update)
            if not state.selection.trial and state.model.state is not None:
                names = state.begin(self.session.trial)
                self._read(state, names, first_tested, partial(state.begin_with, names))
        self._draw()

    def _read(
        self,
        state: MatrixViewState,
        names: list[str],
        work: Callable[[RunDirectory, list[str], int], T],
        handle: Callable[[T], None],
    ) -> None:
        """Read test matrices of some trials in a thread, unless they are being read."""
        if not names or names == self._reading:
            return
        self._reading = names

        def end() -> None:
            if state is self._state:
                self._reading = []
                self._draw()

        def read(found: T) -> None:
            handle(found)
            end()

        def fail(problem: str) -> None:
            state.problem = problem
            if not state.selection.trial:
                state.selection = MatrixSelection(names[0], "test")
            end()

        run, classes = state.model.run, len(state.model.genres)
        in_background(self, "tests", partial(work, run, names, classes), read, fail)

    def _draw(self, waits: bool = True) -> None:
        """Show the selected matrix; read it first where that is needed.

        If it `waits`, the former matrix stays visible meanwhile.
        """
        state, shown = self._state, _NO_RUN
        if state:
            shown = state.show(self._measure)
            if unread := state.unread:
                self._read(state, unread, read_tests, state.add_tests)
                if waits and self._shown.grid:
                    self.set_timer(_READING_DELAY, partial(self._draw, waits=False))
                    return
        self._shown, grid = shown, shown.grid
        self.put("#headline", headline(state.model) if state else Text())
        self.put("#about", about_text(shown), layout=True)
        self.query_one(MatrixWidget).show(grid, shown.missing)
        are_many = grid is not None and len(grid.genres) > _MOST_BESIDE
        self.set_class(are_many, "-many")
        self.put("#mixed", mixed_up(grid) if grid and not are_many else Text())
        self._describe_cell()

    @property
    def _shows_test(self) -> bool:
        return self._state is not None and self._state.selection.rows == "test"

    @on(MatrixWidget.Moved)
    def _describe_cell(self) -> None:
        """Describe the cell under the cursor."""
        matrix = self.query_one(MatrixWidget)
        detail = Text()
        if matrix.grid:
            detail = cell_text(matrix.grid, *matrix.cursor, self._shows_test)
        self.put("#detail", detail)

    @on(MatrixWidget.Chosen)
    def _list_segments(self) -> None:
        """Open the list of the cell's segments."""
        i, j = self.query_one(MatrixWidget).cursor
        state, selected = self._state, self._shown
        if state is None or selected.counts is None:
            return
        if not self._shows_test:
            self.show_message("Segments are recorded for the test rows only: press b to see those.")
        elif not selected.counts[i][j]:
            self.show_message("There are no segments in this cell.")
        else:
            from genre_tui.confusion.segments_dialog import SegmentsDialog

            def close(listed: str | None) -> None:
                self.listed = listed or self.listed

            dialog = SegmentsDialog(state.model, selected.trials, i, j)
            self.app.push_screen(dialog, close)

    def action_measure(self) -> None:
        """Change from counts to shares of rows, to shares of columns."""
        order = list(MEASURES)
        self._measure = order[(order.index(self._measure) + 1) % len(order)]
        self._draw()

    def action_change(self, what: str, *steps: int) -> None:
        """Change the selection by a method of its state, and show any message of it."""
        if self._state is None:
            self.show_message(_NO_RUN.missing)
        elif message := getattr(self._state, what)(*steps):
            self.show_message(message)
        self._moved()

    def _moved(self) -> None:
        if self._state and self._state.selection.trial:
            self.session.trial = self._state.selection.trial
        self._draw()

    def action_choose_trial(self) -> None:
        """Choose a trial from a list."""
        if state := self._state:
            trials = [(name, trial_line(trial)) for name, trial in state.model.trials.items()]
            picked = PickDialog("Trials", trials, state.selection.trial)
            self.app.push_screen(picked, self._choose)

    def _choose(self, name: str | None) -> None:
        state = self._state
        if name and state and name in state.model.trials:
            state.select(replace(state.selection, trial=name, all_seeds=False))
            self._moved()

    def exportable(self) -> dict[str, str]:
        """The matrix, the metrics of its classes, and the segments listed last."""
        grid = self._shown.grid
        if grid is None:
            return {}
        texts = {"confusion.csv": confusion_csv(grid.genres, grid.now.counts)}
        texts["classes.csv"] = classes_csv(grid.genres, grid.now.counts)
        return texts | ({"segments.csv": self.listed} if self.listed else {})

    def copyable(self) -> str:
        """The matrix as text."""
        title, grid = self._shown.title, self._shown.grid
        return f"{title}\n{as_text(grid.genres, grid.now.counts)}" if grid else ""
