"""What the screen Confusion looks at, and how its keys change that."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from experiments.results.confusion_matrix import ConfusionMatrix, Counts, Measure
from experiments.runs.events import TrialEnded
from genre_tui.confusion.cells import Grid
from genre_tui.confusion.matrix import MEASURES
from genre_tui.confusion.matrix_choice import Look, Seen, Tests, looked_over, peers, see
from genre_tui.model.run_model import RunModel
from genre_tui.watch.messages import RunUpdate

NO_RUN = "No run is chosen: choose one on the screen Runs (key 2)."


@dataclass(frozen=True)
class Marked:
    """A matrix that others are compared with."""

    title: str
    matrix: ConfusionMatrix


@dataclass(frozen=True)
class Shown:
    """What is drawn.

    Args:
        seen: the matrix that is looked at.
        grid: its cells; None where there is no matrix.
        minus: what it is compared with, if with anything.
        follows: whether it goes on to each new epoch.
    """

    seen: Seen
    grid: Grid | None
    minus: Marked | None = None
    follows: bool = False


class Viewer:
    """A run, a look at it, and what has been read of its test rows."""

    def __init__(self) -> None:
        self.model: RunModel | None = None
        self.look: Look | None = None
        self.marked: Marked | None = None
        self.measure: Measure = "counts"
        self.problem = ""
        self._tests: dict[str, Counts | None] = {}

    def take(self, model: RunModel | None, told: RunUpdate | None) -> None:
        """Begin anew with another run; forget what may not be so any more."""
        if model is not self.model:
            self.model, self.look, self.marked, self.problem = model, None, None, ""
            self._tests = {}
        elif told is None or told.anew or told.results is not None:
            self.problem = ""
            self._forget(list(self._tests))
        else:
            events = [entry.event for entry in told.entries]
            self._forget({one.trial for one in events if isinstance(one, TrialEnded)})

    def _forget(self, trials: Collection[str]) -> None:
        """Matrices of trials that may have been tested meanwhile."""
        for trial in trials:
            if self._tests.get(trial, ()) is None:
                del self._tests[trial]

    def begin(self, wish: str | None) -> list[str]:
        """Look at what goes on, or else say which trials to look for tests in, in order.

        Args:
            wish: trial that was chosen already, if any.
        """
        model = self.model
        if model is None or not model.trials:
            self.look = Look("")
            return []
        wish = wish if wish in model.trials else None
        by_score = sorted(model.trials.values(), key=lambda one: -(one.best or (0, -1.0))[1])
        names = [wish] if wish else [trial.id for trial in by_score]
        if not model.is_alive:
            return names
        going_on = [one.id for one in model.trials.values() if one.status == "training"]
        self.look = Look(wish or [*going_on, *names][0])
        return []

    def go(self, look: Look) -> None:
        """Look at another matrix."""
        self.look, self.problem = look, ""

    def found(self, tests: Tests) -> None:
        """Take in what was read of the test rows."""
        self._tests.update(tests)

    @property
    def unread(self) -> list[str]:
        """Trials whose tests have to be read for this look."""
        if self.model is None or self.look is None or self.look.rows != "test" or self.problem:
            return []
        return [name for name in looked_over(self.model, self.look) if name not in self._tests]

    def show(self) -> Shown:
        """What is looked at, as far as it is known."""
        if self.model is None:
            return Shown(Seen(None, "", missing=NO_RUN), None)
        if self.look is None:
            return Shown(Seen(None, "", missing=self.problem or "Reading the run ..."), None)
        seen = see(self.model, self.look, self._tests)
        if seen.counts is None:
            return Shown(replace(seen, missing=self.problem or seen.missing), None)
        minus = None if self.marked and self.marked.title == seen.title else self.marked
        now, measure = ConfusionMatrix(seen.counts), self.measure
        if minus and measure == "counts" and now.total != minus.matrix.total:
            measure = "rows"  # counts of unlike many rows do not compare
        follows = self.model.is_alive and self.look.epoch is None and seen.epoch > 0
        grid = Grid(self.model.genres, now, measure, minus.matrix if minus else None)
        return Shown(seen, grid, minus, follows)

    def next_measure(self) -> None:
        """Go from counts to shares of rows, to shares of columns."""
        order = list(MEASURES)
        self.measure = order[(order.index(self.measure) + 1) % len(order)]

    def next_trial(self, step: int) -> None:
        """Go to another trial, in the order of the plan; the first follows the last.

        Where seeds are summed, to one that is not in the sum.
        """
        if self.model and self.look and self.model.trials:
            names = list(self.model.trials)
            place = names.index(self.look.trial) if self.look.trial in names else -step
            others = [names[(place + step * far) % len(names)] for far in range(1, len(names))]
            if self.look.all_seeds:
                summed = peers(self.model, self.look.trial)
                others = [name for name in others if name not in summed]
            if others:
                self.go(replace(self.look, trial=others[0]))

    def next_epoch(self, step: int) -> str:
        """Go to the validation rows after another epoch; why not, or nothing."""
        if self.model is None or self.look is None:
            return NO_RUN
        trial = self.model.trials.get(self.look.trial)
        if trial is None or not trial.confusions:
            return "The run's events tell of no epoch of this trial."
        number = newest = len(trial.confusions)
        if self.look.rows == "validation":
            at = newest if self.look.epoch is None else self.look.epoch
            number = min(max(at + step, 1), newest)
        self.go(replace(self.look, rows="validation", epoch=number))
        return ""

    def follow(self) -> None:
        """Go to the newest epoch, and to each that comes."""
        if self.look:
            self.go(replace(self.look, rows="validation", epoch=None))

    def other_rows(self) -> None:
        """Go to the test rows, or back."""
        if self.look:
            is_test = self.look.rows == "test"
            self.go(replace(self.look, rows="validation" if is_test else "test"))

    def other_seeds(self) -> str:
        """Sum over the seeds of the variant, or not; why there is no sum, or nothing."""
        if self.model is None or self.look is None:
            return NO_RUN
        if len(peers(self.model, self.look.trial)) < 2:
            return "This variant has one seed: there is nothing to sum."
        self.go(replace(self.look, all_seeds=not self.look.all_seeds))
        return ""

    def mark(self) -> str:
        """Compare others with this matrix, or do so no more; what has become of that."""
        if self.marked is not None:
            self.marked = None
            return "No difference is shown any more."
        shown = self.show()
        if shown.grid is None:
            return "There is no matrix here to compare others with."
        self.marked = Marked(shown.seen.title, shown.grid.now)
        return "Marked. Step to another matrix (n, [ or ], b, a) to see how it differs."
