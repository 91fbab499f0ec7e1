"""Numbers as text, the same in tables, reports and on screens.

Shares between 0 and 1 are shown in per cent, differences of shares in percentage points with their
sign, and what is not known as `NONE`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.runs.trial_result import Spread

if TYPE_CHECKING:
    from experiments.statistics.intervals import Interval

NONE = "\N{EN DASH}"
_SMALLEST_P = 0.001


def per_cent(share: float | None, digits: int = 2) -> str:
    """A share in per cent."""
    return NONE if share is None else f"{share * 100:.{digits}f}"


def mean_std(values: Spread, sign: str = "+-") -> str:
    """Mean and, over several seeds, standard deviation of shares, in per cent."""
    if values.mean is None or values.std is None:
        return per_cent(values.mean)
    return f"{per_cent(values.mean)} {sign} {per_cent(values.std)}"


def points(difference: float | None, digits: int = 2) -> str:
    """A difference of two shares in percentage points."""
    return NONE if difference is None else signed(difference * 100, digits)


def between(interval: Interval | None, digits: int = 2, *, signed: bool = False) -> str:
    """An interval of shares in per cent, or if `signed` of differences in points."""
    if interval is None:
        return NONE
    show = points if signed else per_cent
    return f"{show(interval.low, digits)} to {show(interval.high, digits)}"


def signed(value: float | None, digits: int = 2) -> str:
    """A number with its sign; what rounds to zero has none."""
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}"
    return text if float(text) else text[1:]


def p_value(p: float | None) -> str:
    """A p-value to three decimals."""
    if p is None:
        return NONE
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.3f}"


def plural(count: int, word: str) -> str:
    """A count with its word, such as "3 seeds"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def rate(learning_rate: float) -> str:
    """A learning rate, such as 0.001 or 1e-5."""
    return f"{learning_rate:g}".replace("e-0", "e-")
