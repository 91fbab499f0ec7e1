"""How far a run is whose plan grows."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.design.trial import Trial
from experiments.execution.progress_estimate import Estimate, work_of


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
