"""Numbers as the screen Compare writes them: shares in per cent, differences in points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.runs.seed_values import Spread

if TYPE_CHECKING:
    from experiments.statistics.intervals import Interval

NONE = "–"


def per_cent(share: float | None) -> str:
    """A share in per cent."""
    return NONE if share is None else f"{share * 100:.2f}"


def spread(values: Spread) -> str:
    """A mean with its standard deviation, where there is one."""
    if values.mean is None or values.std is None:
        return per_cent(values.mean)
    return f"{per_cent(values.mean)} ± {per_cent(values.std)}"


def points(difference: float | None) -> str:
    """A difference of shares in points, with its sign."""
    return NONE if difference is None else f"{difference * 100:+.2f}"


def between(interval: Interval | None, *, signed: bool = False) -> str:
    """An interval of shares, or of differences."""
    if interval is None:
        return NONE
    sign = "+" if signed else ""
    return f"{interval.low * 100:{sign}.1f} to {interval.high * 100:{sign}.1f}"


def p_value(p: float | None) -> str:
    """Three decimals."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
