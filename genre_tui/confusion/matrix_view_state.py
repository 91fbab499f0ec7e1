"""The state of the screen Confusion: selection, unit, reference matrix; and its changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from experiments.results.confusion_matrix import ConfusionMatrix, Counts, Measure
from experiments.runs.events import TrialEnded
from genre_tui.confusion.matrix import MEASURES, CellGrid
from genre_tui.confusion.matrix_selection import (
    MatrixSelection,
    SelectedMatrix,
    Tests,
    seed_siblings,
    select_matrix,
    trials_needed,
)
from genre_tui.model.run_model import RunModel
from genre_tui.watch.messages import RunUpdate

NO_RUN = "No run is chosen: choose one on the screen Runs (key 2)."


@dataclass(frozen=True)
class ReferenceMatrix:
    """A marked matrix, which others are compared with."""

    title: str
    matrix: ConfusionMatrix


@dataclass(frozen=True)
class MatrixView:
    """What is shown.

    Args:
        grid: cells of the selected matrix; None where there is none.
        minus: the matrix that is subtracted, or None.
        follows: whether it changes with each new epoch.
    """

    selected: SelectedMatrix
    grid: CellGrid | None
    minus: ReferenceMatrix | None = None
    follows: bool = False


class MatrixViewState:
    """A run, the selection of a matrix, and the matrices of test rows read so far."""

    def __init__(self) -> None:
        self.model: RunModel | None = None
        self.selection: MatrixSelection | None = None
        self.reference: ReferenceMatrix | None = None
        self.measure: Measure = "counts"
        self.problem = ""
        self._tests: dict[str, Counts | None] = {}

    def update(self, model: RunModel | None, update: RunUpdate | None) -> None:
        """Reset it for another run; else discard matrices that may have changed."""
        if model is not self.model:
            self.model, self.selection, self.reference, self.problem = model, None, None, ""
            self._tests = {}
        elif update is None or update.anew or update.results is not None:
            self.problem = ""
            self._forget(list(self._tests))
        else:
            events = [entry.event for entry in update.entries]
            self._forget({one.trial for one in events if isinstance(one, TrialEnded)})

    def _forget(self, trials: Collection[str]) -> None:
        """Discard that these trials were not tested: they may have been meanwhile."""
        for trial in trials:
            if self._tests.get(trial, ()) is None:
                del self._tests[trial]

    def begin(self, preferred: str | None) -> list[str]:
        """Select the preferred trial, else one that is training.

        Returns:
            Where no process trains the run: ids of the trials of which the first tested one is
            to be selected.
        """
        model = self.model
        if model is None or not model.trials:
            self.selection = MatrixSelection("")
            return []
        preferred = preferred if preferred in model.trials else None
        by_score = sorted(model.trials.values(), key=lambda one: -(one.best or (0, -1.0))[1])
        names = [preferred] if preferred else [trial.id for trial in by_score]
        if not model.is_alive:
            return names
        training = [one.id for one in model.trials.values() if one.status == "training"]
        self.selection = MatrixSelection(preferred or [*training, *names][0])
        return []

    def select(self, selection: MatrixSelection) -> None:
        """Select another matrix."""
        self.selection, self.problem = selection, ""

    def add_tests(self, tests: Tests) -> None:
        """Store matrices of test rows."""
        self._tests.update(tests)

    @property
    def unread(self) -> list[str]:
        """Ids of trials whose matrices of test rows have to be read."""
        model, selection = self.model, self.selection
        if not model or not selection or selection.rows != "test" or self.problem:
            return []
        return [name for name in trials_needed(model, selection) if name not in self._tests]

    def show(self) -> MatrixView:
        """The selected matrix, as far as it has been read."""
        if self.model is None or self.selection is None:
            missing = (self.problem or "Reading the run ...") if self.model else NO_RUN
            return MatrixView(SelectedMatrix(None, "", missing=missing), None)
        selected = select_matrix(self.model, self.selection, self._tests)
        if selected.counts is None:
            return MatrixView(replace(selected, missing=self.problem or selected.missing), None)
        is_itself = self.reference is not None and self.reference.title == selected.title
        minus = None if is_itself else self.reference
        now, measure = ConfusionMatrix(selected.counts), self.measure
        if minus and measure == "counts" and now.total != minus.matrix.total:
            measure = "rows"  # counts of different totals do not compare
        follows = self.model.is_alive and self.selection.epoch is None and selected.epoch > 0
        grid = CellGrid(self.model.genres, now, measure, minus.matrix if minus else None)
        return MatrixView(selected, grid, minus, follows)

    def next_measure(self) -> None:
        """Change from counts to shares of rows, to shares of columns."""
        order = list(MEASURES)
        self.measure = order[(order.index(self.measure) + 1) % len(order)]

    def next_trial(self, step: int) -> None:
        """Select the next trial of the plan, cyclically; of summed seeds, the next setting."""
        if self.model and self.selection and self.model.trials:
            names = list(self.model.trials)
            place = names.index(self.selection.trial) if self.selection.trial in names else -step
            others = [names[(place + step * far) % len(names)] for far in range(1, len(names))]
            if self.selection.all_seeds:
                summed = seed_siblings(self.model, self.selection.trial)
                others = [name for name in others if name not in summed]
            if others:
                self.select(replace(self.selection, trial=others[0]))

    def next_epoch(self, step: int) -> str:
        """Select another epoch's validation rows; returns why that cannot be, or ""."""
        if self.model is None or self.selection is None:
            return NO_RUN
        trial = self.model.trials.get(self.selection.trial)
        if trial is None or not trial.confusions:
            return "The run's events have no epoch of this trial."
        number = newest = len(trial.confusions)
        if self.selection.rows == "validation":
            at = newest if self.selection.epoch is None else self.selection.epoch
            number = min(max(at + step, 1), newest)
        self.select(replace(self.selection, rows="validation", epoch=number))
        return ""

    def follow(self) -> None:
        """Select the newest epoch, also when further ones come."""
        if self.selection:
            self.select(replace(self.selection, rows="validation", epoch=None))

    def toggle_rows(self) -> None:
        """Change between validation rows and test rows."""
        if self.selection:
            is_test = self.selection.rows == "test"
            self.select(replace(self.selection, rows="validation" if is_test else "test"))

    def toggle_seeds(self) -> str:
        """Turn the sum over seeds on or off; returns why that cannot be, or ""."""
        if self.model is None or self.selection is None:
            return NO_RUN
        if len(seed_siblings(self.model, self.selection.trial)) < 2:
            return "This variant has one seed: there is nothing to sum."
        self.select(replace(self.selection, all_seeds=not self.selection.all_seeds))
        return ""

    def toggle_reference(self) -> str:
        """Set or clear the reference matrix; returns a message for the user."""
        if self.reference is not None:
            self.reference = None
            return "No difference is shown any more."
        shown = self.show()
        if shown.grid is None:
            return "There is no matrix here to compare others with."
        self.reference = ReferenceMatrix(shown.selected.title, shown.grid.now)
        return "Marked. Step to another matrix (n, [ or ], b, a) to see how it differs."
