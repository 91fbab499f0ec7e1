"""The values of a trial's epochs in bounded memory, however many there are."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from experiments.runs.events import EpochEnded
from experiments.runs.trial_result import TrialResult
from experiments.runs.validation import Matrix

MOST_POINTS = 1024
SCORE = "val_macro_f1"
_MOST_METRICS = 32  # a training has about eight


class Point(NamedTuple):
    """An epoch's values.

    Args:
        seconds: since the trial began.
        confusion: matrix of the validation rows, row by row; None where it is not kept.
    """

    epoch: int
    seconds: float
    logs: dict[str, float]
    confusion: array[int] | None = None


class EpochHistory:
    """Metrics, times and confusion matrices of a trial's epochs.

    Of up to `MOST_POINTS` epochs all are kept. Each time that there are more, every second one
    is dropped: those that stay are 1, 1 + step, 1 + 2 step and so on, `step` being a power of
    two. The last epoch and that with the best validation macro-F1 are always kept.

    Attributes:
        length: number of the last epoch; 0 before the first.
        step: from a kept epoch to the next.
    """

    def __init__(self) -> None:
        self.length, self.step = 0, 1
        self._metrics: dict[str, array[float]] = {}
        self._seconds = array("d")
        self._confusions: list[array[int] | None] = []
        self._best: Point | None = None
        self._last: Point | None = None

    @classmethod
    def from_result(cls, result: TrialResult, best_epoch: int) -> EpochHistory:
        """The epochs of a trial's result, which has no confusion matrices."""
        history, total = cls(), 0.0
        metrics = dict([*result.history.items()][:_MOST_METRICS])
        for place, seconds in enumerate(result.epoch_seconds):
            total += seconds
            if place % history.step and place + 1 not in (best_epoch, result.epochs):
                continue
            logs = {
                name: math.nan if (value := values[place]) is None else value
                for name, values in metrics.items()
            }
            history._keep(Point(place + 1, total, logs), place + 1 == best_epoch)
        return history

    def add(self, event: EpochEnded, names: Collection[str] | None, *, is_best: bool) -> None:
        """Add an epoch; it and those after it, where there are any, are trained again.

        Args:
            names: metrics to keep; None means all metrics, and the confusion matrix.

        Raises:
            ValueError: an epoch before it is missing.
        """
        if not 1 <= event.epoch <= self.length + 1:
            raise ValueError(f"epoch {event.epoch} after {self.length}")
        seconds = self.seconds
        if event.epoch <= self.length:
            seconds = self._seconds_at(event.epoch - 1)
            self._forget(event.epoch)
        logs = event.logs
        if names is not None:
            logs = {name: value for name, value in logs.items() if name in names}
        elif len(logs) > _MOST_METRICS:
            logs = dict([*logs.items()][:_MOST_METRICS])
        confusion = _flat(event.confusion) if names is None else None
        self._keep(Point(event.epoch, seconds + event.seconds, logs, confusion), is_best)

    @property
    def seconds(self) -> float:
        """Since the trial began, at the end of the last epoch."""
        return self._last.seconds if self._last else 0.0

    @property
    def metrics(self) -> list[str]:
        """Names of the metrics that are kept."""
        return list(self._metrics)

    @property
    def epochs(self) -> list[int]:
        """Numbers of the epochs that are kept, ascending."""
        kept = range(1, 1 + len(self._seconds) * self.step, self.step)
        return sorted({*kept, *(point.epoch for point in self._extra())})

    @property
    def matrix_epochs(self) -> list[int]:
        """Numbers of the epochs whose confusion matrices are kept, ascending."""
        kept = {
            1 + place * self.step
            for place, confusion in enumerate(self._confusions)
            if confusion is not None
        }
        extra = {point.epoch for point in self._extra() if point.confusion is not None}
        return sorted(kept | extra)

    def values(self, metric: str) -> list[float]:
        """A metric after each of the `epochs`, NaN where it has no value; [] of an unknown one."""
        if metric not in self._metrics:
            return []
        return self._with_extra(
            self._metrics[metric], (point.logs.get(metric, math.nan) for point in self._extra())
        )

    def times(self) -> list[float]:
        """Seconds since the trial began, at the end of each of the `epochs`."""
        return self._with_extra(self._seconds, (point.seconds for point in self._extra()))

    def at(self, epoch: int, metric: str) -> float:
        """A metric after an epoch, "seconds" for its time; NaN where that is not kept."""
        place, rest = divmod(epoch - 1, self.step)
        if not rest:
            values = self._seconds if metric == "seconds" else self._metrics.get(metric, ())
            return values[place] if place < len(values) else math.nan
        for point in self._extra():
            if point.epoch == epoch:
                return point.seconds if metric == "seconds" else point.logs.get(metric, math.nan)
        return math.nan

    def confusion(self, epoch: int) -> Matrix | None:
        """The confusion matrix after an epoch; None where that is not kept."""
        place, rest = divmod(epoch - 1, self.step)
        found = None
        if not rest and 0 <= place < len(self._confusions):
            found = self._confusions[place]
        elif rest:
            found = next((one.confusion for one in self._extra() if one.epoch == epoch), None)
        return None if found is None else _square(found)

    def _extra(self) -> list[Point]:
        """The best and the last epoch, where they lie between those that are kept anyway."""
        points = {one.epoch: one for one in (self._best, self._last) if one is not None}
        return [points[epoch] for epoch in sorted(points) if (epoch - 1) % self.step]

    def _with_extra(self, kept: Sequence[float], extra: Iterable[float]) -> list[float]:
        values = list(kept)
        for number, (point, value) in enumerate(zip(self._extra(), extra, strict=True)):
            values.insert(number + 1 + (point.epoch - 1) // self.step, value)
        return values

    def _keep(self, point: Point, is_best: bool) -> None:
        self.length, self._last = point.epoch, point
        self._best = point if is_best else self._best
        place, rest = divmod(point.epoch - 1, self.step)
        if rest:
            return
        for name in point.logs:
            if name not in self._metrics and len(self._metrics) < _MOST_METRICS:
                self._metrics[name] = array("d", [math.nan]) * place
        for name, values in self._metrics.items():
            values.append(point.logs.get(name, math.nan))
        self._seconds.append(point.seconds)
        self._confusions.append(point.confusion)
        if len(self._seconds) > MOST_POINTS:
            self.step *= 2
            self._metrics = {name: values[::2] for name, values in self._metrics.items()}
            self._seconds, self._confusions = self._seconds[::2], self._confusions[::2]

    def _forget(self, epoch: int) -> None:
        """Drop an epoch and those after it."""
        count = -(-(epoch - 1) // self.step)
        for values in self._metrics.values():
            del values[count:]
        del self._seconds[count:]
        del self._confusions[count:]
        if self._best is not None and self._best.epoch >= epoch:
            self._best = None
        self._last, self.length = None, epoch - 1

    def _seconds_at(self, epoch: int) -> float:
        """Since the trial began; in proportion, where the epoch is not kept."""
        epochs, times = [0, *self.epochs], [0.0, *self.times()]
        place = bisect_right(epochs, epoch) - 1
        if epochs[place] == epoch:
            return times[place]
        share = (epoch - epochs[place]) / (epochs[place + 1] - epochs[place])
        return times[place] + share * (times[place + 1] - times[place])


def _flat(matrix: Matrix) -> array[int]:
    return array("Q", [count for row in matrix for count in row])


def _square(flat: array[int]) -> Matrix:
    size = math.isqrt(len(flat))
    return [flat[begin : begin + size].tolist() for begin in range(0, len(flat), max(size, 1))]
