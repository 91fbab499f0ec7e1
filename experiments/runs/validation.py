"""Checks of values from records, which may be damaged or somebody else's.

Only the parsers of records use them: everything else gets what they return.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from data.errors import DataError
from experiments.errors import DamagedRecordError, RunError

T = TypeVar("T")
# What a parser may raise: fields are missing, of another type, or numbers too large.
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_LARGEST_COUNT = 10**12
_LARGEST_AMOUNT = 2.0**60  # bytes, or rows a second
_LONGEST = 1e10  # seconds, three hundred years


@contextmanager
def parsing(what: str, advice: str = "") -> Iterator[None]:
    """Turn the errors of a parser into one sentence.

    Args:
        what: the record, such as its path.
        advice: a sentence on what to do.

    Raises:
        DamagedRecordError: the record is not as expected.
    """
    try:
        yield
    except DamagedRecordError as error:
        raise DamagedRecordError(f"{error} {advice}".rstrip()) from error
    except (RunError, DataError):  # it cannot be read
        raise
    except (*MALFORMED, RecursionError) as error:
        sentence = f"{what} is damaged ({error!r:.200})."
        raise DamagedRecordError(f"{sentence} {advice}".rstrip()) from error


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


def numbers_or_none(values: list[Any]) -> list[float | None]:
    """A long list's values as `number` reads them; those that are None stay."""
    if {*map(type, values)} <= {float} and all(map(math.isfinite, values)):
        return values  # nearly all are
    return [None if value is None else number(value) for value in values]


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


def optional(parse: Callable[[Any], T], value: Any) -> T | None:
    """The value as `parse` reads it; None where it is None."""
    return None if value is None else parse(value)


def texts(value: Any) -> tuple[str, ...]:
    """The value as a list of texts; raises as `of_type`."""
    return tuple(of_type(str, text) for text in of_type(list, value))


def square_counts(value: Any, size: int | None = None) -> list[list[int]]:
    """The value as a confusion matrix.

    Args:
        value: rows true, columns predicted.
        size: number of rows, and of columns; None where any will do.

    Raises:
        TypeError: it is no list of lists of counts.
        ValueError: a count is below 0 or absurdly large; rows or columns are missing.
    """
    matrix = [[count(n) for n in of_type(list, row)] for row in of_type(list, value)]
    expected = len(matrix) if size is None else size
    if [len(row) for row in matrix] != [expected] * expected:
        raise ValueError(f"a confusion matrix of other than {expected} x {expected} counts")
    return matrix
