"""How sure a mean over seeds is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 10_000
SAME = 1e-12  # values that differ by less are the same: the rest is rounding
_SEED = 1979


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Args:
        low, high: in the unit of the values.
        level: share of such intervals that hold the truth, such as 0.95.
        method: how it was made.
        n: what it rests on: seeds, or clusters of rows.
    """

    low: float
    high: float
    level: float
    method: str
    n: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def mean_interval(
    values: Sequence[float],
    level: float = LEVEL,
    bounds: tuple[float, float] = (-math.inf, math.inf),
) -> Interval | None:
    """A smoothed, studentised bootstrap interval of a mean, for as few as two values.

    Each resample draws the n values with replacement, adds normal noise of s / sqrt(n)
    to each (s: their standard deviation), and takes its own t value; the quantiles of
    these take the place of Student's. The noise gives back the variance that drawing
    loses (Hesterberg 2004, "Unbiasing the bootstrap", Proc. ASA Statistics and the
    Environment; smoothing of intervals: Polansky and Schucany 1997, J. R. Statist. Soc.
    B 59, 821-838) and makes t finite however few values there are; studentising makes up
    for s being uncertain and follows skew (Hall 1992, "The Bootstrap and Edgeworth
    Expansion", ch. 3).

    Nominal 95 % intervals of five normal values hold the mean in 95 of 100 cases, of
    values with a skewness of 1 in 94. For comparison, at five values: the percentile
    bootstrap 84 and 83, its expanded form 92 and 91 (at three values both 75, which is
    all that the range of three can hold), the unsmoothed studentised one 95 and 94, a
    sixth wider than this and without ends at three values, Student's t 95 and 93. The
    slow tests measure and print all of these.

    Args:
        values: one a seed, in any order; finite.
        level: between 0 and 1.
        bounds: that no value can pass, such as 0 and 1 for shares; an interval ends there.

    Returns:
        None for fewer than two values, which say nothing about their spread. The same
        values give the same interval, always; equal values give one without width.

    Raises:
        ValueError: a value that is not finite, or a level that cannot be.
    """
    check_level(level)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if ordered.ndim != 1 or not np.isfinite(ordered).all():
        raise ValueError(f"values must be finite, of shape (n,). Received: {values!r:.80}.")
    n = len(ordered)
    if n < 2:
        return None
    mean = float(ordered.mean())
    low, high = mean, mean
    if np.ptp(ordered) > SAME:
        spread = float(ordered.std(ddof=1))
        index, noise = _draws(n)
        drawn = ((ordered - mean) / spread)[index] + noise
        t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / math.sqrt(n))
        upper, lower = np.quantile(t, [(1 + level) / 2, (1 - level) / 2])
        low, high = (mean - float(q) * spread / math.sqrt(n) for q in (upper, lower))
    return Interval(
        max(low, bounds[0]), min(high, bounds[1]), level, "smoothed studentised bootstrap", n
    )


def check_level(level: float) -> None:
    """Raise ValueError unless an interval can have this level."""
    if not 0 < level < 1:
        raise ValueError(f"a level must lie between 0 and 1, such as 0.95. Received: {level}.")


@lru_cache(maxsize=8)
def _draws(n: int) -> tuple[npt.NDArray[np.int64], Float64]:
    """What every resample of n values draws: places and noise. [shape=(RESAMPLES, n)]"""
    rng = np.random.default_rng((_SEED, n))
    index = rng.integers(0, n, (RESAMPLES, n))
    return index, rng.standard_normal((RESAMPLES, n)) / math.sqrt(n)
