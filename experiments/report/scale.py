"""Scales and axes of plots: positions of values, and labelled ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.results.number_format import rate

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_WHOLE = (1.0, 2.0, 5.0, 10.0)
_MARGIN = 0.04  # of the range, on each side


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic scale.

    Args:
        low, high: values at 0 and at 1.
        log: whether it is logarithmic; both are above 0 then.
    """

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Position of a value; below 0 or above 1 outside the scale, NaN if it has none."""
        if self.log:
            if not value > 0:
                return math.nan
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Tick:
    """A labelled position on an axis, in per cent of its length."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis(Scale):
    """A scale with ticks from low to high."""

    ticks: tuple[Tick, ...] = ()

    def at(self, value: float) -> float:
        """Position in per cent of the axis; values outside are moved to its ends."""
        return round(100 * self.place(min(max(value, self.low), self.high)), 2)

    def holds(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        return self.low <= value <= self.high

    def with_ticks(self, labels: Mapping[float, str]) -> Axis:
        """The same axis with labels at values."""
        return replace(self, ticks=tuple(Tick(self.at(x), text) for x, text in labels.items()))


def linear(
    values: Iterable[float],
    ticks: int = 5,
    *,
    floor: float = -math.inf,
    ceiling: float = math.inf,
    percent: bool = False,
    margin: float = _MARGIN,
) -> Axis:
    """A linear axis that holds all values.

    Args:
        values: finite; without any the axis goes from 0 to 1.
        ticks: wanted number of ticks.
        floor, ceiling: bounds of the axis.
        percent: whether labels are in per cent.
        margin: share of the values' range that is left free on each side.
    """
    shown = [*values]
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    if high - low < 1e-9:
        low, high = low - 0.01, high + 0.01
    space = (high - low) * margin
    low, high = max(low - space, floor), min(high + space, ceiling)
    step, factor = _step(low, high, ticks), 100 if percent else 1
    values = [number * step for number in multiples(step, low, high)]
    return Axis(low, high).with_ticks({value: f"{value * factor:.6g}" for value in values})


def logarithmic(values: Iterable[float]) -> Axis:
    """A logarithmic axis between powers of ten that holds all positive values."""
    positive = [value for value in values if value > 0]
    low = math.floor(math.log10(min(positive, default=0.1)) + 1e-6)
    high = max(math.ceil(math.log10(max(positive, default=1.0)) - 1e-6), low + 1)
    every = max(1, math.ceil((high - low) / 4))
    values = [10.0**power for power in range(low, high + 1, every)]
    return Axis(10.0**low, 10.0**high, log=True).with_ticks(
        {value: rate(value) for value in values}
    )


def whole(count: int, ticks: int = 3) -> Axis:
    """An axis of whole numbers from 1 to `count`, both labelled."""
    step = max(1, round(_step(1, count, ticks, _WHOLE))) if count > 1 else 1
    apart = 0.6 * step
    inner = [n for n in range(step, count, step) if n - 1 >= apart and count - n >= apart]
    axis = Axis(1.0, float(max(count, 2)))
    return axis.with_ticks({number: str(number) for number in (1, *inner, count)})


def _step(low: float, high: float, ticks: int, among: Sequence[float] = _NICE) -> float:
    """The round step that has nearest to `ticks` multiples between two numbers."""
    power = 10.0 ** math.floor(math.log10((high - low) / ticks))
    steps = [nice * power for nice in among]
    return min(steps, key=lambda step: abs(len(multiples(step, low, high)) - ticks))


def multiples(step: float, low: float, high: float) -> range:
    """Whole numbers whose products with a step lie between two numbers."""
    return range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
