"""A curve, and the frame of a plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """One curve.

    Args:
        name: label at its end; "" for none.
        colour: index of its colour.
        mark: one character that identifies it without colour.
        x, y: its points; NaN is a gap.
        low, high: edges of its band; empty for none.
        is_strong: whether it is drawn over all others, in bold.
        last: value beside its name; None for the last of `y`, which may be smoothed.
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
        points = zip(reversed(self.x), reversed(self.y), strict=True)
        return next(((x, y) for x, y in points if math.isfinite(y)), None)


@dataclass(frozen=True)
class Frame:
    """Axes and number format of a plot.

    Args:
        x_name: unit of the x axis.
        log: whether the y axis is logarithmic.
        figure: formats a value for the labels at the ends.
        grows: whether points will be added: the axes leave room for them, so that the plot is
            not redrawn as a whole with each.
    """

    x_name: str = "epoch"
    log: bool = False
    figure: Callable[[float], str] = "{:.3g}".format
    grows: bool = False
