"""Mean and range of a metric over the trainings of a setting, kept up to date epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from experiments.runs.epoch_history import EpochHistory
from experiments.runs.progress import TrialProgress


@dataclass
class Band:
    """Mean and range of a metric over trials by epoch; NaN where none has a finite value."""

    epochs: list[int] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)


class Group:
    """Trials that differ in their seeds and folds only: a variant at one learning rate."""

    def __init__(self, variant: str, learning_rate: float, trials: Sequence[TrialProgress]) -> None:
        self.variant, self.learning_rate, self.trials = variant, learning_rate, tuple(trials)
        self._bands: dict[str, Band] = {}
        self._step = 1  # from an epoch of the bands to the next
        self._score: float | None = None

    def changed(self, epoch: int) -> None:
        """Discard the bands from an epoch on: values of its trials have changed."""
        self._score = None
        for band in self._bands.values():
            count = -(-(epoch - 1) // self._step)
            for values in (band.epochs, band.mean, band.low, band.high):
                del values[count:]

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
        """A metric over the trials; "seconds" is the time since each began.

        It has the epochs that the histories of all trials keep, and the last one.
        """
        histories = [
            trial.history
            for trial in self.trials
            if metric == "seconds" or metric in trial.history.metrics
        ]
        step = max((trial.history.step for trial in self.trials), default=1)
        if step != self._step:
            self._step, self._bands = step, {}
        band = self._bands.setdefault(metric, Band())
        last = max((history.length for history in histories), default=0)
        for epoch in range(1 + len(band.mean) * step, last + 1, step):
            _add(band, epoch, histories, metric)
        if not last or band.epochs[-1] == last:
            return band
        whole = Band([*band.epochs], [*band.mean], [*band.low], [*band.high])
        _add(whole, last, histories, metric)
        return whole


def _add(band: Band, epoch: int, histories: Sequence[EpochHistory], metric: str) -> None:
    values = [history.at(epoch, metric) for history in histories]
    values = [value for value in values if math.isfinite(value)]
    band.epochs.append(epoch)
    band.mean.append(sum(values) / len(values) if values else math.nan)
    band.low.append(min(values, default=math.nan))
    band.high.append(max(values, default=math.nan))


@dataclass(frozen=True)
class VariantGroups:
    """A variant's groups of trials, one a learning rate."""

    name: str
    groups: tuple[Group, ...]

    @property
    def best(self) -> int:
        """Number of the learning rate with the best score so far; the first of equals."""
        return max(range(len(self.groups)), key=lambda number: self.groups[number].score)
