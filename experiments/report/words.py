"""Numbers as a report prints them."""

from __future__ import annotations

from experiments.statistics.intervals import Interval

NONE = "–"  # an en dash
_MINUS = "−"
_SMALLEST_P = 0.001


def per_cent(share: float | None, digits: int = 2) -> str:
    """A share in per cent."""
    return NONE if share is None else f"{share * 100:.{digits}f}"


def between(interval: Interval | None, *, signed: bool = False) -> str:
    """An interval of shares in per cent, or of differences in points."""
    if interval is None:
        return NONE
    show = points if signed else per_cent
    return f"{show(interval.low)} to {show(interval.high)}"


def points(difference: float | None) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return NONE if difference is None else _signed(difference * 100)


def effect(size: float | None) -> str:
    """A standardised difference, with its sign."""
    return NONE if size is None else _signed(size)


def p_value(p: float | None) -> str:
    """Three decimals, two significant digits where that is shorter."""
    if p is None:
        return NONE
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.3f}"


def rate(learning_rate: float) -> str:
    """A learning rate, such as 0.001 or 1e-5."""
    return f"{learning_rate:g}".replace("e-0", "e-")


def seconds(value: float | None) -> str:
    """Seconds with as many digits as they deserve."""
    if value is None:
        return NONE
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def moment(utc: str) -> str:
    """When something was, from ISO 8601."""
    return utc.replace("T", " ").replace("+00:00", " UTC")


def unbroken(text: str) -> str:
    """A sentence whose lines do not break before a per cent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def plural(count: int, word: str) -> str:
    """A count with its word."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _signed(value: float) -> str:
    text = f"{abs(value):.2f}"
    if not float(text):
        return text
    return f"{_MINUS if value < 0 else '+'}{text}"
