"""Checks of values from records, which may be damaged or somebody else's."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")
_LARGEST_COUNT = 10**12


def of_type(kind: type[T], value: Any) -> T:
    """The value.

    Raises:
        TypeError: it is of another type.
    """
    if type(value) is not kind:
        raise TypeError(f"{value!r:.60} should be {kind.__name__}")
    return value


def number(value: Any) -> float:
    """The value as a finite number.

    Raises:
        TypeError: it is none.
        OverflowError: it is too large for one.
    """
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError(f"{value!r:.60} should be a number")
    return float(value)


def share(value: Any) -> float:
    """The value as a number between 0 and 1.

    Raises:
        TypeError, OverflowError: as `number`.
        ValueError: it lies elsewhere.
    """
    if not 0 <= number(value) <= 1:
        raise ValueError(f"{value!r:.60} should lie between 0 and 1")
    return float(value)


def summed_counts(matrices: Iterable[Any], classes: int) -> list[list[int]]:
    """The sum of confusion matrices; zeros where there are none.

    Args:
        matrices: lists of rows, each a list of counts.
        classes: number of rows, and of columns.

    Raises:
        TypeError: one is no list, or holds what is no count.
        ValueError: a count is below 0 or absurdly large; a matrix has another number
            of rows or columns.
    """
    total = [[0] * classes for _ in range(classes)]
    for matrix in matrices:
        for row, counts in zip(total, of_type(list, matrix), strict=True):
            for j, (_, count) in enumerate(zip(row, of_type(list, counts), strict=True)):
                if not 0 <= of_type(int, count) < _LARGEST_COUNT:
                    raise ValueError(f"a count of {count!r:.60}")
                row[j] += count
    return total
