"""A curve, and what is around curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """One curve.

    Args:
        name: at its end, in a column of its own; "" for none.
        colour: number of its series.
        mark: one character that tells it apart without colour.
        x, y: its points; NaN is a gap.
        low, high: edges of its band; empty for none.
        dotted: whether it is drawn with every third dot.
        is_strong: whether it is drawn over all others, in bold.
        last: value that is told beside its name; None for the last of `y`, which may be smoothed.
    """

    name: str
    colour: int
    mark: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dotted: bool = False
    is_strong: bool = False
    last: float | None = None

    @property
    def end(self) -> tuple[float, float] | None:
        """Its last point; None where it has none."""
        for x, y in zip(reversed(self.x), reversed(self.y), strict=True):
            if math.isfinite(y):
                return x, y
        return None


@dataclass(frozen=True)
class Frame:
    """What is around curves.

    Args:
        x_name: unit of the x axis.
        log: whether the y axis is logarithmic.
        figure: a value as text, for the names at the ends.
        grows: whether more points come: the axes have some room for them then, so that
            not all is drawn anew with each.
    """

    x_name: str = "epoch"
    log: bool = False
    figure: Callable[[float], str] = "{:.3g}".format
    grows: bool = False
