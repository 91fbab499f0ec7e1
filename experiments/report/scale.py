"""Where numbers lie on an axis, and which of them it names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.results.number_format import rate

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_WHOLE = (1.0, 2.0, 5.0, 10.0)
_MARGIN = 0.04  # of the range, on each side


@dataclass(frozen=True)
class Tick:
    """A named place on an axis.

    Args:
        at: per cent of the axis.
        label: of the number there.
    """

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`.

    Args:
        low, high: at its two ends.
        ticks: that it names.
        logarithmic: whether equal ratios are equally far apart.
    """

    low: float
    high: float
    ticks: tuple[Tick, ...] = ()
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Per cent of the axis, 0 at its lower end; what lies outside goes to its ends."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log(max(value, low)), math.log(low), math.log(high)
        share = (value - low) / (high - low)
        return round(min(max(share, 0.0), 1.0) * 100, 2)

    def holds(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        return self.low <= value <= self.high


def linear(
    values: Iterable[float],
    ticks: int = 5,
    *,
    floor: float = -math.inf,
    ceiling: float = math.inf,
    percent: bool = False,
    margin: float = _MARGIN,
) -> Scale:
    """An axis that holds all values, with about so many ticks.

    Args:
        values: finite; without any the axis goes from 0 to 1.
        ticks: that would be about right.
        floor, ceiling: that the axis does not pass.
        percent: whether labels are in per cent.
        margin: of the range of values, left free on each side.
    """
    there = [*values]
    low, high = min(there, default=0.0), max(there, default=1.0)
    if high - low < 1e-9:
        low, high = low - 0.01, high + 0.01
    space = (high - low) * margin
    low, high = max(low - space, floor), min(high + space, ceiling)
    scale, factor = Scale(low, high), 100 if percent else 1
    step = _step(low, high, ticks)
    named = [number * step for number in _multiples(step, low, high)]
    return Scale(
        low, high, tuple(Tick(scale.at(value), f"{value * factor:.6g}") for value in named)
    )


def logarithmic(values: Iterable[float]) -> Scale:
    """An axis of powers of ten around positive values."""
    there = [value for value in values if value > 0]
    low = math.floor(math.log10(min(there, default=0.1)) + 1e-6)
    high = max(math.ceil(math.log10(max(there, default=1.0)) - 1e-6), low + 1)
    scale = Scale(10.0**low, 10.0**high, logarithmic=True)
    every = max(1, math.ceil((high - low) / 4))
    powers = range(low, high + 1, every)
    ticks = tuple(Tick(scale.at(10.0**power), rate(10.0**power)) for power in powers)
    return Scale(scale.low, scale.high, ticks, logarithmic=True)


def whole(count: int, ticks: int = 3) -> Scale:
    """An axis of numbers from 1 to `count`, both named."""
    scale = Scale(1.0, float(max(count, 2)))
    step = max(1, round(_step(1, count, ticks, _WHOLE))) if count > 1 else 1
    apart = 0.6 * step
    inner = [n for n in range(step, count, step) if n - 1 >= apart and count - n >= apart]
    named = dict.fromkeys([1, *inner, count])
    return Scale(
        scale.low, scale.high, tuple(Tick(scale.at(number), str(number)) for number in named)
    )


def _step(low: float, high: float, ticks: int, among: Sequence[float] = _NICE) -> float:
    """The nice step with which about so many multiples lie between two numbers."""
    power = 10.0 ** math.floor(math.log10((high - low) / ticks))
    steps = [nice * power for nice in among]
    return min(steps, key=lambda step: abs(len(_multiples(step, low, high)) - ticks))


def _multiples(step: float, low: float, high: float) -> range:
    """Numbers whose multiples of a step lie between two numbers."""
    return range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
