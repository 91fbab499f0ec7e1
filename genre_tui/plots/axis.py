"""Scales that fit values, their ticks and tick labels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from experiments.report.scale import Scale, multiples

_STEPS = (1.0, 2.0, 5.0, 10.0)
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_STEPS_OF_SCALE = 10  # at least, between round ends
_LARGEST = 1e100  # larger values are left out, and on logarithmic axes those below its inverse
_FAR = 3.0  # outliers beyond so many times the range of 95 % of the values are cut off


def ticks_of(scale: Scale, most: int, *, whole: bool = False) -> list[float]:
    """At most `most` round numbers along a scale, ascending; whole ones only if `whole`."""
    low, high = scale.low, scale.high
    if scale.log and len(found := _log_ticks(low, high, most)) > 1:
        return found
    rough = max((high - low) / max(most, 1), 1.0 if whole else 0.0)
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    for step in (power * factor for factor in (*_STEPS, 20.0)):
        if len(steps := multiples(step, low, high)) <= most:
            return [number * step for number in steps]
    return []


def scale_of(
    values: Iterable[float], *, log: bool = False, grows: bool = False
) -> tuple[Scale, bool]:
    """A scale that shows values.

    Args:
        values: NaN and infinity are ignored, and if `log` what is not above 0.
        log: whether it is logarithmic.
        grows: whether it ends at round numbers, so that further values seldom change it.

    Returns:
        The scale, and whether outliers are cut off: one diverging trial does not flatten all
        others.
    """
    least = 1 / _LARGEST if log else -_LARGEST
    known = sorted(value for value in values if least <= value <= _LARGEST)
    if log:
        low, high = (known[0], known[-1]) if known else (1.0, 10.0)
        edge = 3.0 if high <= low * 1.001 else (high / low) ** 0.04 if known else 1.0
        return Scale(low / edge, high * edge, True), False
    if not known:
        return Scale(0.0, 1.0), False
    low, high = known[0], known[-1]
    nearly = known[int(0.95 * (len(known) - 1))]
    cut = len(known) > 20 and high - low > _FAR * (nearly - low) > 0
    if cut:
        high = nearly + 0.2 * (nearly - low)
    if high - low <= 1e-9 * max(abs(high), abs(low), 1e-9):
        edge = abs(high) / 2 or 0.5
        return Scale(low - edge, high + edge), cut
    edge = 0.04 * (high - low)
    low, high = low - edge, high + edge
    if grows:
        step = _step((high - low) / _STEPS_OF_SCALE)
        low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    return Scale(low, high), cut


def roomy(end: float) -> float:
    """A round number that is at least `end`, and at most a third more."""
    if end <= 0:
        return end
    power = 10.0 ** math.floor(math.log10(end))
    return power * next(number for number in _ROUND if power * number >= end * (1 - 1e-9))


def numbers(ticks: Sequence[float]) -> list[str]:
    """Labels of ticks, with as many digits as make them distinct."""
    if not ticks:
        return []
    largest = max(abs(tick) for tick in ticks)
    smallest = min((abs(tick) for tick in ticks if tick), default=0.0)
    if largest >= 1e5 or (smallest < 1e-3 and smallest > 0 and largest < 1):
        parts = (f"{tick:.1e}".partition("e") for tick in ticks)
        texts = (f"{digits.removesuffix('.0')}e{int(power)}" for digits, _, power in parts)
        return ["0" if text == "0e0" else text for text in texts]
    gap = min((b - a for a, b in pairwise(ticks)), default=largest or 1.0)
    digits = max(0, -math.floor(math.log10(gap) + 1e-9)) if gap > 0 else 0
    return [f"{tick:.{min(digits, 6)}f}" for tick in ticks]


def _step(rough: float) -> float:
    """The largest round number that is not above `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return max(power * factor for factor in _STEPS if power * factor <= rough * (1 + 1e-9))


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        found = [
            factor * 10.0**power
            for power in range(first, last + 1)
            for factor in factors
            if low <= factor * 10.0**power <= high
        ]
        if len(found) <= most:
            return found
    step = -(-len(found) // max(most, 1))
    return found[::step]
