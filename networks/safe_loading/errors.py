"""How a model file differs from those that our networks are saved in."""

from __future__ import annotations

import reprlib
from typing import Any


class VettingError(ValueError):
    """A clause of the sentence that the user gets: "expected ..., received ...".

    Args:
        expected: what such a file has.
        received: what this one has; a long value is abbreviated.
    """

    def __init__(self, expected: str, received: Any) -> None:
        super().__init__(f"expected {expected}, received {reprlib.repr(received)[:120]}")


def as_dict(value: Any, what: str) -> dict[str, Any]:
    """The value, which must be a JSON object.

    Raises:
        VettingError: it is something else.
    """
    if not isinstance(value, dict):
        raise VettingError(f"{what} to be a JSON object", value)
    return value


def as_list(value: Any, what: str) -> list[Any]:
    """As `as_dict`, of a JSON array."""
    if not isinstance(value, list):
        raise VettingError(f"{what} to be a JSON array", value)
    return value
