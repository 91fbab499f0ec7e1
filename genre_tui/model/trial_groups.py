"""Mean and range of a metric over the seeds of a setting, kept up to date epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from experiments.runs.progress import TrialProgress


@dataclass
class Band:
    """Mean and range of a metric over trials by epoch; NaN where none has a finite value."""

    mean: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)


class Group:
    """Trials that differ in their seeds only: a variant at one learning rate."""

    def __init__(self, variant: str, learning_rate: float, trials: Sequence[TrialProgress]) -> None:
        self.variant, self.learning_rate, self.trials = variant, learning_rate, tuple(trials)
        self._bands: dict[str, Band] = {}
        self._score: float | None = None

    def changed(self, epoch: int) -> None:
        """Discard the bands from an epoch on: values of its trials have changed."""
        self._score = None
        for band in self._bands.values():
            for values in (band.mean, band.low, band.high):
                del values[epoch - 1 :]

    @property
    def begun(self) -> int:
        """Trials that have figures."""
        return sum(trial.length > 0 for trial in self.trials)

    @property
    def score(self) -> float:
        """Mean of the best validation macro-F1 so far, over the trials that have begun.

        One that diverged or failed counts as 0, as when a learning rate is selected;
        -1 where none has begun.
        """
        if self._score is None:
            lost = ("diverged", "failed")
            scores = [
                trial.best[1] if trial.best and trial.status not in lost else 0.0
                for trial in self.trials
                if trial.length or trial.status in lost
            ]
            self._score = sum(scores) / len(scores) if scores else -1.0
        return self._score

    def band(self, metric: str) -> Band:
        """A metric over the trials; "seconds" is the time since each began."""
        band = self._bands.setdefault(metric, Band())
        series = [
            trial.seconds if metric == "seconds" else trial.metrics.get(metric, ())
            for trial in self.trials
        ]
        for place in range(len(band.mean), max(map(len, series), default=0)):
            values = [
                one[place] for one in series if place < len(one) and math.isfinite(one[place])
            ]
            band.mean.append(sum(values) / len(values) if values else math.nan)
            band.low.append(min(values, default=math.nan))
            band.high.append(max(values, default=math.nan))
        return band


@dataclass(frozen=True)
class VariantGroups:
    """A variant's groups of trials, one a learning rate."""

    name: str
    groups: tuple[Group, ...]

    @property
    def best(self) -> int:
        """Number of the learning rate with the best score so far; the first of equals."""
        return max(range(len(self.groups)), key=lambda number: self.groups[number].score)
