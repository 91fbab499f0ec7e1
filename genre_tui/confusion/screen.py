"""The screen Confusion: which genres are taken for which, and the segments behind that."""

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
from genre_tui.confusion.captions import about, detail, headline, mixed_up, trial_line
from genre_tui.confusion.matrix import as_text, classes_csv, confusion_csv
from genre_tui.confusion.matrix_choice import Look, Tests, first_tested, peers, read_tests
from genre_tui.confusion.matrix_view_state import Shown, Viewer
from genre_tui.confusion.matrix_widget import MatrixGrid
from genre_tui.core.background import in_background
from genre_tui.model.run_model import RunModel
from genre_tui.shell.page import Page
from genre_tui.shell.pick_dialog import PickDialog
from genre_tui.watch.messages import RunsSeen, RunUpdate
from genre_tui.widgets.status_text import Said

_PATIENCE = 0.3  # seconds until it is said that a matrix is being read
_MOST_BESIDE = 12  # genres whose matrix leaves room for what is mixed up


class ConfusionPage(Page):
    """The confusion matrix of validation or test rows, of a trial or all its seeds."""

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
        self._viewer = Viewer()
        self._shown: Shown | None = None
        self._reading: list[str] = []  # trials whose tests are being read
        self.listed = ""  # the segments that were listed last, as CSV

    def body(self) -> Iterable[Widget]:
        """Headlines, the matrix with what is mixed up beside it, the cell in words."""
        with Vertical(id="body"):
            yield Said(id="headline", classes="title")
            yield Said(id="about")
            with Horizontal(id="panes"):
                yield MatrixGrid(id="matrix")
                yield Said(id="mixed")
            yield Said(id="detail")

    def runs_seen(self, told: RunsSeen) -> None:
        """Where no run is chosen, take the newest."""
        if self.session.run is None and self.is_current:
            there = [one.run for one in told.summaries if one.state != "damaged"]
            if there:
                self.app.open_run(there[0])

    def shown(self) -> None:
        """Go to the trial that was chosen elsewhere."""
        if self.focused is None:
            self.query_one(MatrixGrid).focus()
        viewer, wish = self._viewer, self.session.trial
        if viewer.model is None or viewer.look is None or wish not in viewer.model.trials:
            return
        if wish != viewer.look.trial:
            self._go(Look(wish, viewer.look.rows))

    def run_changed(self, model: RunModel | None, told: RunUpdate | None) -> None:
        """Begin anew with another run; else draw what has changed."""
        viewer = self._viewer
        if model is not viewer.model:
            self.listed, self._reading = "", []
        viewer.take(model, told)
        if model and viewer.look is None and model.state is not None:
            self._begin(model, viewer.begin(self.session.trial))
        self._draw()

    def _begin(self, model: RunModel, names: list[str]) -> None:
        """Look at the first of some trials that was tested, with all its seeds."""
        if not names or names == self._reading:
            return
        self._reading = names

        def take(found: tuple[str, Counts] | None) -> None:
            if model is not self._viewer.model:
                return
            self._reading = []
            self._viewer.look = Look(names[0])
            if found is not None:
                trial, counts = found
                self._viewer.found({trial: counts})
                several = len(names) > 1 and len(peers(model, trial)) > 1
                self._viewer.look = Look(trial, "test", all_seeds=several)
            self._draw()

        work = partial(first_tested, model.run, names, len(model.genres))
        in_background(self, "tests", work, take, partial(self._failed, model, names[0]))

    def _read(self, model: RunModel, names: list[str]) -> None:
        """Read test matrices, unless that is being done."""
        if names == self._reading:
            return
        self._reading = names

        def take(found: Tests) -> None:
            if model is self._viewer.model:
                self._reading = []
                self._viewer.found(found)
                self._draw()

        work = partial(read_tests, model.run, names, len(model.genres))
        in_background(self, "tests", work, take, partial(self._failed, model, names[0]))

    def _failed(self, model: RunModel, trial: str, problem: str) -> None:
        if model is self._viewer.model:
            self._viewer.problem, self._reading = problem, []
            self._viewer.look = self._viewer.look or Look(trial, "test")
            self._draw()

    def _go(self, look: Look) -> None:
        self._viewer.go(look)
        self._moved()

    def _moved(self, problem: str = "") -> None:
        """Another matrix is looked at, or it is said why not."""
        if problem:
            self.say(problem)
        if self._viewer.look and self._viewer.look.trial:
            self.session.trial = self._viewer.look.trial
        self._draw()

    def _draw(self, waits: bool = True) -> None:
        """Show what is looked at; read what is not known of it.

        Args:
            waits: whether a matrix stays in sight while the next one is read.
        """
        viewer = self._viewer
        model, shown = viewer.model, viewer.show()
        if model and (unread := viewer.unread):
            self._read(model, unread)
            if waits and self._shown and self._shown.grid:
                self.set_timer(_PATIENCE, partial(self._draw, waits=False))
                return
        self._shown = shown
        self.query_one("#headline", Said).tell(headline(model) if model else Text())
        self.query_one("#about", Said).tell(about(shown), grows=True)
        self.query_one(MatrixGrid).show(shown.grid, shown.seen.missing)
        mixed = mixed_up(shown.grid) if shown.grid else Text()
        self.query_one("#mixed", Said).tell(mixed)
        self.set_class(model is not None and len(model.genres) > _MOST_BESIDE, "-many")
        self._tell_cell()

    @on(MatrixGrid.Moved)
    def _tell_cell(self) -> None:
        """Say in words what the cell under the cursor holds."""
        matrix, look = self.query_one(MatrixGrid), self._viewer.look
        is_test = look is not None and look.rows == "test"
        told = detail(matrix.grid, *matrix.cursor, is_test) if matrix.grid else Text()
        self.query_one("#detail", Said).tell(told)

    @on(MatrixGrid.Chosen)
    def _list_segments(self, event: MatrixGrid.Chosen) -> None:
        """List the cell's segments."""
        model, look, shown = self._viewer.model, self._viewer.look, self._shown
        if model is None or look is None or shown is None or shown.seen.counts is None:
            return
        if look.rows != "test":
            self.say("Segments are recorded for the test rows only: press b to see those.")
        elif not shown.seen.counts[event.i][event.j]:
            self.say("There are no segments in this cell.")
        else:
            from genre_tui.confusion.segments_dialog import SegmentsDialog

            cell = event.i, event.j
            self.app.push_screen(
                SegmentsDialog(
                    model, shown.seen.trials, *cell, partial(setattr, self, "listed"), self.say
                )
            )

    def action_measure(self) -> None:
        """Go from counts to shares of rows, to shares of columns."""
        self._viewer.next_measure()
        self._draw()

    def action_trial(self, step: int) -> None:
        """Go to another trial."""
        before = self._viewer.look
        self._viewer.next_trial(step)
        if self._viewer.look == before:
            self.say("There is no other one: press a to see the seeds one by one, or their sum.")
        self._moved()

    def action_epoch(self, step: int) -> None:
        """Go to the validation rows after another epoch."""
        self._moved(self._viewer.next_epoch(step))

    def action_follow(self) -> None:
        """Show the newest epoch, and each that comes."""
        self._viewer.follow()
        self._moved()

    def action_rows(self) -> None:
        """Go to the test rows, or back."""
        self._viewer.other_rows()
        self._moved()

    def action_seeds(self) -> None:
        """Sum over the seeds of the variant, or not."""
        self._moved(self._viewer.other_seeds())

    def action_mark(self) -> None:
        """Mark the matrix, so that others show how they differ from it; or no more."""
        self._moved(self._viewer.mark())

    def action_choose_trial(self) -> None:
        """Choose a trial from a list."""
        model, look = self._viewer.model, self._viewer.look
        if model and look:
            trials = [(name, trial_line(trial)) for name, trial in model.trials.items()]
            self.app.push_screen(PickDialog("Trials", trials, look.trial), self._choose)

    def _choose(self, name: str | None) -> None:
        model, look = self._viewer.model, self._viewer.look
        if name and model and look and name in model.trials:
            self._go(replace(look, trial=name, all_seeds=False))

    def exportable(self) -> dict[str, str]:
        """The matrix, the figures of its classes, and the segments listed last."""
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
        return f"{self._shown.seen.title}\n{as_text(grid.genres, grid.now.counts)}"
