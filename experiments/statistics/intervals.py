"""Confidence intervals of a mean over seeds or folds, by Student's t."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.statistics.replicates import effective_count

LEVEL = 0.95
MIN_SEEDS = 3  # the interval of two values is useless: t(0.975, 1) is 12.7


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Args:
        low, high: limits, in the unit of the values.
        level: confidence level, 0.95.
        method: its name.
        n: sample size: seeds, folds, or clusters of rows.
    """

    low: float
    high: float
    level: float
    method: str
    n: int


def mean_interval(
    values: Sequence[float], bounds: tuple[float, float] = (0.0, 1.0), folds: int = 0
) -> Interval | None:
    """Student's t interval of a mean: mean +- t(n - 1) * s / sqrt(n) (Student 1908, Biometrika 6).

    Over folds the standard error is that of the corrected resampled t-test; see
    `replicates.effective_count`.

    Args:
        values: one per seed or fold, finite.
        bounds: lowest and highest possible value, where the interval is cut; those of shares.
        folds: number of folds of which the values are; 0 for seeds.

    Returns:
        None for fewer than `MIN_SEEDS` values.

    Raises:
        ValueError: a value is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"values must be finite, of shape (n,). Received: {values!r:.80}.")
    n = len(array)
    if n < MIN_SEEDS:
        return None
    mean = float(array.mean())
    reach = t_quantile(n - 1) * float(array.std(ddof=1)) / math.sqrt(effective_count(n, folds))
    low, high = max(mean - reach, bounds[0]), min(mean + reach, bounds[1])
    return Interval(low, high, LEVEL, "corrected resampled t" if folds else "Student's t", n)


def t_quantile(degrees: int) -> float:
    """Half-width of a two-sided t interval at `LEVEL`, in standard errors."""
    # scipy.stats has the same under friendlier names, and takes ten times as long to import.
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + LEVEL) / 2))


def t_p_value(degrees: int, t: float) -> float:
    """Two-sided p-value of a t statistic."""
    from scipy.special import stdtr

    return 2 * float(stdtr(degrees, -abs(t)))
