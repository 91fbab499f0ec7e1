"""The values of a trial's epochs in bounded memory, however many there are."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from experiments.runs.checksums import stringify_nonfinite
from experiments.runs.events import EpochEnded, logs
from experiments.runs.trial_result import TrialResult
from experiments.runs.validation import (
    Count,
    Matrix,
    Record,
    Seconds,
    count,
    of_type,
    or_none,
    square_counts,
)
from experiments.runs.validation import seconds as check_seconds

if TYPE_CHECKING:
    _Counts = array[int]
else:
    _Counts = array  # has no parameter before Python 3.12

MOST_POINTS = 1024
SCORE = "val_macro_f1"
_STEPS = {2**power for power in range(40)}
_MOST_METRICS = 32  # a training has about eight


def _matrix(value: Any) -> array[int]:
    return _flat(square_counts(value))


@dataclass(frozen=True)
class Point(Record):
    """An epoch's values.

    Args:
        seconds: since the trial began.
        confusion: matrix of the validation rows, row by row; empty where it is not kept.
    """

    epoch: Count
    seconds: Seconds
    logs: Annotated[dict[str, float], logs]
    confusion: Annotated[_Counts, _matrix]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        values, confusion = stringify_nonfinite(self.logs), _square(self.confusion)
        plain = {"epoch": self.epoch, "seconds": self.seconds}
        return plain | {"logs": values, "confusion": confusion}


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
        self._confusions: list[array[int]] = []
        self._best: Point | None = None
        self._last: Point | None = None

    @classmethod
    def from_result(cls, result: TrialResult, best_epoch: int) -> EpochHistory:
        """The epochs of a trial's result, which has no confusion matrices."""
        kept, total = cls(), 0.0
        metrics = dict([*result.history.items()][:_MOST_METRICS])
        for place, seconds in enumerate(result.epoch_seconds):
            total += seconds
            if place % kept.step and place + 1 not in (best_epoch, result.epochs):
                continue
            values = {
                name: math.nan if (value := history[place]) is None else value
                for name, history in metrics.items()
            }
            kept._keep(Point(place + 1, total, values, array("Q")), place + 1 == best_epoch)
        return kept

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
        values = event.logs
        if names is not None:
            values = _those_of(values, names)
        elif len(values) > _MOST_METRICS:
            values = dict([*values.items()][:_MOST_METRICS])
        confusion = _flat(event.confusion) if names is None else array("Q")
        self._keep(Point(event.epoch, seconds + event.seconds, values, confusion), is_best)

    def to_record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "length": self.length,
            "step": self.step,
            "metrics": {name: _plain(values) for name, values in self._metrics.items()},
            "seconds": _plain(self._seconds),
            "confusions": [*map(_square, self._confusions)],
            "best": self._best and self._best.to_dict(),
            "last": self._last and self._last.to_dict(),
        }

    @classmethod
    def from_record(cls, plain: Any, names: Collection[str] | None) -> EpochHistory:
        """The inverse of `to_record`, of the metrics that `names` has, as in `add`.

        Raises:
            LookupError, TypeError, ValueError, OverflowError: `plain` is damaged.
        """
        history = cls()
        history.length, history.step = count(plain["length"]), count(plain["step"])
        history._seconds = _numbers(plain["seconds"])
        history._metrics = {
            name: _numbers(values)
            for name, values in of_type(dict, plain["metrics"]).items()
            if names is None or name in names
        }
        point = or_none(Point.from_dict)
        best, last = point(plain["best"]), point(plain["last"])
        if names is None:
            history._confusions = [*map(_matrix, of_type(list, plain["confusions"]))]
        else:
            history._confusions = [array("Q")] * len(history._seconds)
            best, last = (
                one and replace(one, confusion=array("Q"), logs=_those_of(one.logs, names))
                for one in (best, last)
            )
        history._best, history._last = best, last
        history._check()
        return history

    def _check(self) -> None:
        """Raise ValueError where the parts do not belong together."""
        lengths = {len(values) for values in (self._seconds, *self._metrics.values())}
        kept = -(-self.length // max(self.step, 1))
        if lengths | {len(self._confusions)} != {kept} or not kept <= MOST_POINTS:
            raise ValueError(f"parts of other than {kept} epochs")
        if self.step not in _STEPS or len(self._metrics) > _MOST_METRICS:
            raise ValueError(f"every {self.step}th epoch of {len(self._metrics)} metrics")
        for time in self._seconds:
            check_seconds(time)
        last, best = (one.epoch if one else 0 for one in (self._last, self._best))
        if last != self.length or best > last or (self._best and best < 1):
            raise ValueError(f"epochs {best} and {last} of {self.length}")

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
            1 + place * self.step for place, confusion in enumerate(self._confusions) if confusion
        }
        extra = {point.epoch for point in self._extra() if point.confusion}
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
        found = array("Q")
        if not rest and 0 <= place < len(self._confusions):
            found = self._confusions[place]
        elif rest:
            found = next((one.confusion for one in self._extra() if one.epoch == epoch), found)
        return _square(found) or None

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


def _those_of(logs: dict[str, float], names: Collection[str]) -> dict[str, float]:
    return {name: value for name, value in logs.items() if name in names}


def _plain(values: array[float]) -> list[Any]:
    """JSON-ready, where some are not finite, too."""
    plain: list[Any] = values.tolist()
    return plain if all(map(math.isfinite, plain)) else stringify_nonfinite(plain)


def _numbers(plain: Any) -> array[float]:
    values = of_type(list, plain)
    if not {*map(type, values)} <= {float, str}:
        raise TypeError(f"{plain!r:.60} should be numbers")
    return array("d", map(float, values))


def _flat(matrix: Matrix) -> array[int]:
    return array("Q", [count for row in matrix for count in row])


def _square(flat: array[int]) -> Matrix:
    size = math.isqrt(len(flat))
    return [flat[begin : begin + size].tolist() for begin in range(0, len(flat), max(size, 1))]
