"""How far a run is, and how long the rest will take."""

from __future__ import annotations

import time
from collections.abc import Iterable

from experiments.design.trial import Trial
from networks.models.multiply_adds import multiplications


class Estimate:
    """Counts epochs with what they cost, as networks differ in that.

    Args:
        trials: of the run.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._trials = {trial.id: trial for trial in trials}
        self._epochs = dict.fromkeys(self._trials, 0)  # that are done, of each trial
        self._total = sum(work_of(t) * t.training.epochs for t in self._trials.values())
        self._done = self._measured = 0
        self._began = time.monotonic()

    def already(self, trial: str, epochs: int | None = None) -> None:
        """Count epochs that need no time: of an earlier owner, or that were saved.

        Args:
            trial: its id.
            epochs: done so far; None means all.
        """
        whole = self._trials[trial].training.epochs
        self._count(trial, whole if epochs is None else epochs)

    def trained(self, trial: str, epochs: int) -> None:
        """Count epochs that were trained in the time that is measured here."""
        self._measured += self._count(trial, epochs)

    @property
    def share(self) -> float:
        """Of the work that is done, between 0 and 1."""
        return self._done / self._total if self._total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None before there is one."""
        if not self._measured:
            return None
        elapsed = time.monotonic() - self._began
        return elapsed * (self._total - self._done) / self._measured

    def _count(self, trial: str, epochs: int) -> int:
        """The work that is new when a trial has reached an epoch."""
        new = max(epochs - self._epochs[trial], 0)
        self._epochs[trial] += new
        work = new * work_of(self._trials[trial])
        self._done += work
        return work


class GrowingEstimate(Estimate):
    """Counts on trials that are not drawn yet: each costs what the known ones do, on average.

    Args:
        trials: that are known.
        asked: how many there will be in all, at least.
    """

    def __init__(self, trials: Iterable[Trial], asked: int) -> None:
        super().__init__(())
        self._asked = asked
        self.add(trials)

    def add(self, trials: Iterable[Trial], *, is_last: bool = False) -> None:
        """Know further trials; there may be no others after them."""
        for trial in trials:
            self._trials[trial.id] = trial
            self._epochs.setdefault(trial.id, 0)
        known = sum(work_of(t) * t.training.epochs for t in self._trials.values())
        many = max(len(self._trials), 1)
        self._total = known if is_last else known * max(self._asked, many) // many


def work_of(trial: Trial) -> int:
    """What an epoch costs: multiplications a row of train data."""
    return multiplications(trial.network)
