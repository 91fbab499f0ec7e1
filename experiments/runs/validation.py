"""Checks of values from records, which may be damaged or somebody else's.

A `Record` is a dataclass whose annotations hold the checks of its fields. Only the parsers of
records check: everything else relies on the types of what they return.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache, partial
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar, get_type_hints

from data.errors import DataError
from experiments.design.limits import check_bounds
from experiments.errors import DamagedRecordError, OptionError, RunError

T = TypeVar("T")
Check: TypeAlias = Callable[[Any], T]

# What a parser may raise: fields are missing, of another type, or numbers too large.
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)

_LARGEST_COUNT = 10**12
_LARGEST_AMOUNT = 2.0**60  # bytes, or rows a second
_LONGEST = 1e10  # seconds, three hundred years
_PLAIN = {str, int, float, bool, list, type(None)}


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
    except (RunError, DataError) as error:
        if not isinstance(error, OptionError):  # it cannot be read
            raise
        raise DamagedRecordError(f"{what} is damaged: {error} {advice}".rstrip()) from error
    except (*MALFORMED, RecursionError) as error:
        sentence = f"{what} is damaged ({error!r:.200})."
        raise DamagedRecordError(f"{sentence} {advice}".rstrip()) from error


# Checks return the value. They raise TypeError where it is of another type, ValueError where
# it lies outside of what makes sense, and OverflowError where it is too large for a float.


def of_type(kind: type[T], value: Any) -> T:
    """The value, of exactly this type."""
    if type(value) is not kind:
        raise TypeError(f"{value!r:.60} should be {kind.__name__}")
    return value


def number(value: Any) -> float:
    """The value as a finite number."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError(f"{value!r:.60} should be a number")
    return float(value)


def numbers_or_none(values: list[Any]) -> list[float | None]:
    """A long list's values as `number` reads them; those that are None stay."""
    if {*map(type, values)} <= {float} and all(map(math.isfinite, values)):
        return values  # nearly all are
    return [None if value is None else number(value) for value in values]


def seconds_list(values: Any) -> tuple[float, ...]:
    """A long list's values as `seconds` reads them."""
    found = of_type(list, values)
    if found and {*map(type, found)} == {float} and all(map(math.isfinite, found)):
        seconds(min(found)), seconds(max(found))
        return tuple(found)  # nearly all are
    return tuple(map(seconds, found))


def between_0_and(largest: float) -> Check[float]:
    """A check of a number that is not negative."""

    def check(value: Any) -> float:
        if type(value) is float and 0 <= value <= largest:
            return value  # nearly all are
        if not 0 <= number(value) <= largest:
            raise ValueError(f"{value!r:.60} should lie between 0 and {largest:g}")
        return float(value)

    return check


def count(value: Any) -> int:
    """The value as an integer that is not negative, nor absurdly large."""
    if type(value) is int and 0 <= value < _LARGEST_COUNT:
        return value
    raise ValueError(f"a count of {of_type(int, value)!r:.60}")


def within(option: str) -> Check[Any]:
    """A check that a value is within the bounds of an option."""

    def check(value: Any) -> Any:
        check_bounds(**{option: number(value) and value})
        return value

    return check


def square_counts(value: Any) -> list[list[int]]:
    """The value as a confusion matrix, rows true and columns predicted."""
    matrix: list[list[int]] = of_type(list, value)
    for row in matrix:
        if type(row) is not list or len(row) != len(matrix):
            raise ValueError(f"{matrix!r:.60} should have as many columns as rows")
        for one in row:
            if type(one) is not int or not 0 <= one < _LARGEST_COUNT:
                count(one)  # raises
    return matrix


def one_of(names: tuple[str, ...]) -> Check[Any]:
    """A check that a value is one of some names."""

    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(f"{value!r:.60} should be one of {', '.join(names)}")
        return str(value)

    return check


def or_none(check: Check[T]) -> Check[T | None]:
    """A check that lets None through."""
    return lambda value: None if value is None else check(value)


def each(check: Check[T]) -> Check[tuple[T, ...]]:
    """A check of a list's items."""
    return lambda values: tuple(map(check, of_type(list, values)))


def values_of(check: Check[T]) -> Check[dict[str, T]]:
    """A check of an object's values."""
    return lambda plain: {name: check(value) for name, value in of_type(dict, plain).items()}


flag: Check[bool] = partial(of_type, bool)
text: Check[str] = partial(of_type, str)
texts = each(text)
amount = between_0_and(_LARGEST_AMOUNT)
share = between_0_and(1.0)
seconds = between_0_and(_LONGEST)

Flag: TypeAlias = Annotated[bool, flag]
Text: TypeAlias = Annotated[str, text]
Texts: TypeAlias = Annotated[tuple[str, ...], texts]
Number: TypeAlias = Annotated[float, number]
Count: TypeAlias = Annotated[int, count]
CountOrNone: TypeAlias = Annotated[int | None, or_none(count)]
Amount: TypeAlias = Annotated[float, amount]
AmountOrNone: TypeAlias = Annotated[float | None, or_none(amount)]
Share: TypeAlias = Annotated[float, share]
Seconds: TypeAlias = Annotated[float, seconds]
SecondsOrNone: TypeAlias = Annotated[float | None, or_none(seconds)]
Object: TypeAlias = Annotated[Mapping[str, Any], partial(of_type, dict)]
Matrix: TypeAlias = Annotated[list[list[int]], square_counts]


@dataclass(frozen=True)
class Record:
    """A dataclass whose fields are annotated with the checks of their values.

    Fields with defaults may be missing in what is read, but for those named in `REQUIRED`.
    """

    REQUIRED: ClassVar[tuple[str, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, apart from numbers that are not finite."""
        kind: Any = type(self)
        return {name: as_plain(getattr(self, name)) for name, _, _ in _checks(kind)}

    @classmethod
    def from_dict(cls, plain: Any) -> Self:
        """The record that `to_dict` made `plain` of.

        Raises:
            LookupError, TypeError, ValueError, OverflowError: `plain` is damaged.
        """
        of_type(dict, plain)
        kind: Any = cls
        record = object.__new__(cls)
        values = vars(record)  # set directly: a frozen dataclass is slow to set its fields
        for name, check, default in _checks(kind):
            values[name] = check(plain[name]) if name in plain or not default else default()
        return record


def as_plain(value: Any) -> Any:
    """The value without tuples, and without objects that have a `to_dict`."""
    if type(value) in _PLAIN:
        return value
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: as_plain(item) for name, item in value.items()}
    return value


@cache
def _checks(cls: Any) -> list[tuple[str, Check[Any], Callable[[], Any] | None]]:
    """Name of each field, its check, and what makes its default; None where it must be there."""
    hints = get_type_hints(cls, include_extras=True)
    return [
        (
            one.name,
            hints[one.name].__metadata__[0],
            None if one.name in cls.REQUIRED else _default(one),
        )
        for one in fields(cls)
    ]


def _default(one: Field[Any]) -> Callable[[], Any] | None:
    if one.default is not MISSING:
        return lambda: one.default
    return None if one.default_factory is MISSING else one.default_factory
