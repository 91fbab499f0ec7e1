"""Checks of values from records, which may be damaged or somebody else's."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")
_LARGEST_COUNT = 10**12
_LARGEST_AMOUNT = 2.0**60  # bytes, or rows a second
_LONGEST = 1e10  # seconds, three hundred years


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


def amount(value: Any, largest: float = _LARGEST_AMOUNT) -> float:
    """The value as a number that is not negative.

    Args:
        value: in any unit.
        largest: that makes sense.

    Raises:
        TypeError, OverflowError: as `number`.
        ValueError: it lies elsewhere.
    """
    if not 0 <= number(value) <= largest:
        raise ValueError(f"{value!r:.60} should lie between 0 and {largest:g}")
    return float(value)


def share(value: Any) -> float:
    """The value as a number between 0 and 1.

    Raises:
        TypeError, OverflowError, ValueError: as `amount`.
    """
    return amount(value, 1.0)


def seconds(value: Any) -> float:
    """The value as a duration, or a time since 1970, in seconds; raises as `amount`."""
    return amount(value, _LONGEST)


def count(value: Any) -> int:
    """The value as a count.

    Raises:
        TypeError: it is no integer.
        ValueError: it is below 0 or absurdly large.
    """
    if not 0 <= of_type(int, value) < _LARGEST_COUNT:
        raise ValueError(f"a count of {value!r:.60}")
    return int(value)


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
            for j, (_, found) in enumerate(zip(row, of_type(list, counts), strict=True)):
                row[j] += count(found)
    return total
