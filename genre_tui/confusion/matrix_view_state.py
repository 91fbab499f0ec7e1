"""The state of the screen Confusion: selected matrix, reference matrix, and their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from experiments.results.confusion_matrix import ConfusionMatrix, Counts, Measure
from experiments.runs.events import TrialEnded
from genre_tui.confusion.matrix import CellGrid
from genre_tui.confusion.matrix_selection import (
    MatrixSelection,
    MatrixView,
    Tests,
    place_of,
    seed_siblings,
    select_matrix,
    trials_needed,
)
from genre_tui.model.run_model import RunModel
from genre_tui.watch.messages import RunUpdate


class MatrixViewState:
    """The selection of a matrix of a run, and the matrices of test rows read so far.

    Changes of the selection return why they cannot be, a sentence, or "".

    Attributes:
        selection: its trial is "" until it is known which to show first.
        reference: title of a marked matrix that others are compared with, and the matrix.
        problem: why matrices of test rows cannot be read, or "".
    """

    def __init__(self, model: RunModel) -> None:
        self.model = model
        self.selection = MatrixSelection("")
        self.reference: tuple[str, ConfusionMatrix] | None = None
        self.problem = ""
        self._tests: dict[str, Counts | None] = {}

    def update(self, update: RunUpdate | None) -> None:
        """Discard that trials were not tested: they may have been meanwhile."""
        trials = list(self._tests)
        if update is None or update.anew or update.results is not None:
            self.problem = ""
        else:
            trials = [e.event.trial for e in update.entries if isinstance(e.event, TrialEnded)]
        for trial in trials:
            if self._tests.get(trial, ()) is None:
                del self._tests[trial]

    def begin(self, preferred: str | None) -> list[str]:
        """Select the preferred trial, else one that is training.

        Returns:
            Where no process trains the run: ids of the trials of which the first tested one is
            to be selected.
        """
        trials = self.model.trials
        chosen = preferred if preferred in trials else None
        by_score = sorted(trials.values(), key=lambda one: -(one.best or (0, -1.0))[1])
        names = [chosen] if chosen else [trial.id for trial in by_score]
        if self.model.is_alive and names:
            training = (one.id for one in trials.values() if one.status == "training")
            self.selection = MatrixSelection(chosen or next(training, names[0]))
            return []
        return names

    def begin_with(self, names: Sequence[str], tested: tuple[str, Counts] | None) -> None:
        """Select the first tested one of some trials: where there are several, with all seeds."""
        self.selection = MatrixSelection(names[0])
        if tested is not None:
            trial, counts = tested
            self._tests[trial] = counts
            several = len(names) > 1 and len(seed_siblings(self.model, trial)) > 1
            self.selection = MatrixSelection(trial, "test", all_seeds=several)

    def select(self, selection: MatrixSelection) -> None:
        """Select another matrix."""
        self.selection, self.problem = selection, ""

    def add_tests(self, tests: Tests) -> None:
        """Store matrices of test rows."""
        self._tests.update(tests)

    @property
    def unread(self) -> list[str]:
        """Ids of trials whose matrices of test rows have to be read."""
        if self.selection.rows != "test" or not self.selection.trial or self.problem:
            return []
        wanted = trials_needed(self.model, self.selection)
        return [name for name in wanted if name not in self._tests]

    def show(self, measure: Measure = "counts") -> MatrixView:
        """The selected matrix, as far as it has been read."""
        view = select_matrix(self.model, self.selection, self._tests)
        if view.counts is None:
            return replace(view, missing=self.problem or view.missing)
        minus, before = self.reference or ("", None)
        if minus == view.title:  # it is this one
            minus, before = "", None
        now = ConfusionMatrix(view.counts)
        if before and measure == "counts" and now.total != before.total:
            measure = "rows"  # counts of different totals do not compare
        follows = self.model.is_alive and self.selection.epoch is None and view.epoch > 0
        grid = CellGrid(self.model.genres, now, measure, before)
        return replace(view, grid=grid, minus=minus, follows=follows)

    def next_trial(self, step: int) -> str:
        """Select the next trial of the plan, cyclically; of summed seeds, the next setting."""
        names, here = list(self.model.trials), self.selection.trial
        place = names.index(here) if here in names else -step
        others = [names[(place + step * far) % len(names)] for far in range(1, len(names))]
        apart = trials_needed(self.model, self.selection) if self.selection.all_seeds else ()
        other = next((name for name in others if name not in apart), None)
        if other is None:
            return "There is no other one: press a to see the seeds one by one, or their sum."
        self.select(replace(self.selection, trial=other))
        return ""

    def next_epoch(self, step: int) -> str:
        """Select the validation rows of another epoch that is kept."""
        trial = self.model.trials.get(self.selection.trial)
        if trial is None or not (kept := trial.history.matrix_epochs):
            return "The run's events have no epoch of this trial."
        place = len(kept) - 1
        if self.selection.rows == "validation":
            place = min(max(place_of(kept, self.selection.epoch) + step, 0), place)
        self.select(replace(self.selection, rows="validation", epoch=kept[place]))
        return ""

    def follow(self) -> str:
        """Select the newest epoch, also when further ones come."""
        self.select(replace(self.selection, rows="validation", epoch=None))
        return ""

    def toggle_rows(self) -> str:
        """Change between validation rows and test rows."""
        is_test = self.selection.rows == "test"
        self.select(replace(self.selection, rows="validation" if is_test else "test"))
        return ""

    def toggle_seeds(self) -> str:
        """Turn the sum over seeds on or off."""
        if len(seed_siblings(self.model, self.selection.trial)) < 2:
            return "This variant has one seed: there is nothing to sum."
        self.select(replace(self.selection, all_seeds=not self.selection.all_seeds))
        return ""

    def toggle_reference(self) -> str:
        """Set or clear the reference matrix; returns what was done."""
        if self.reference is not None:
            self.reference = None
            return "No difference is shown any more."
        view = self.show()
        if view.counts is None:
            return "There is no matrix here to compare others with."
        self.reference = view.title, ConfusionMatrix(view.counts)
        return "Marked. Step to another matrix (n, [ or ], b, a) to see how it differs."
