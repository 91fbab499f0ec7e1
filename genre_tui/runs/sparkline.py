"""A curve in one line of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """Block characters as high as values are, between the lowest and the highest.

    Args:
        values: NaN is a gap.
        width: most characters; of more values each character shows the mean of some.
    """
    if width < 1:
        return ""
    if len(values) > width:
        values = [
            _mean(values[number * len(values) // width : (number + 1) * len(values) // width])
            for number in range(width)
        ]
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    return "".join(
        _BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1)) if span else 3]
        if math.isfinite(value)
        else " "
        for value in values
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan
