"""Figures as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.results.run_result import Spread

if TYPE_CHECKING:
    from experiments.statistics.intervals import Interval


def interval_text(interval: Interval | None) -> str:
    """Such as 58.1 to 62.4, in per cent; empty where there is none."""
    return "" if interval is None else f"{interval.low * 100:.1f} to {interval.high * 100:.1f}"


def per_cent(spread: Spread) -> str:
    """Mean and, over several seeds, standard deviation in per cent."""
    if spread.mean is None:
        return "-"
    if spread.std is None:
        return f"{spread.mean * 100:.2f}"
    return f"{spread.mean * 100:.2f} +- {spread.std * 100:.2f}"
