"""Arguments of public functions: paths and whole numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from data.errors import DataError


def user_path(name: str, value: Any) -> Path:
    """The path that a user gave as the argument `name`; DataError if it is none."""
    if not isinstance(value, (str, os.PathLike)):
        raise DataError(f"{name} must be a path, as a text or a Path. Received: {value!r:.100}.")
    # `Path.expanduser` raises for the home of an unknown user.
    return Path(os.path.expanduser(value))


def check_whole(name: str, value: Any, least: int) -> None:
    """Raise DataError unless a value is None or a whole number of at least `least`."""
    if value is not None and (type(value) is not int or value < least):
        raise DataError(
            f"{name} must be a whole number, at least {least}, or None. Received: {value!r:.100}."
        )
