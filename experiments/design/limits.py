"""Upper limits of options, of fields in a study's file, and of forms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from experiments.errors import RunError

MOST_VARIANTS = 1000
MOST_LEARNING_RATES = 1000
MOST_SEEDS = 1000
MOST_EPOCHS = 100_000
MOST_TRIALS = 100_000
MOST_DRAWN_AT_ONCE = 4096
MOST_PROCESSES = 1024  # and threads of each


_STUDY_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LONGEST_VARIANT_NAME = 400  # one of a file's, with what it varies


def check_study_name(name: Any) -> None:
    """Raise RunError unless a study's runs can be kept under a name."""
    if not isinstance(name, str) or not _STUDY_NAME.fullmatch(name):
        raise RunError(
            "a study's name must be 1 to 64 lower-case letters, digits, '.', '_' or '-', "
            f"beginning with a letter or digit. Received: {name!r:.100}."
        )


def check_variant_name(name: Any, longest: int = _LONGEST_VARIANT_NAME) -> None:
    """Raise RunError unless a text can name a row of a table."""
    if (
        not isinstance(name, str)
        or len(name) > longest
        or not name.isprintable()
        or not name.strip()
    ):
        raise RunError(
            f"a variant's name must be 1 to {longest} printable characters. "
            f"Received: {name!r:.100}."
        )


def check_type(name: str, value: Any, kinds: Any, expected: str) -> None:
    """Raise RunError unless a value is of some types, in words `expected`."""
    if not isinstance(value, kinds):
        raise RunError(f"{name} must be {expected}. Received: {value!r:.60}.")


def check_limit(number: int, most: int, what: str) -> None:
    """Raise RunError if a study has more than `most` of `what`, such as "variants"."""
    if number > most:
        raise RunError(f"a study has at most {most:,} {what}; this one would have {number:,}.")


def check_count(name: str, value: Any, most: int) -> None:
    """Raise RunError unless a value is None or a whole number from 1 to `most`."""
    if value is not None and not (type(value) is int and 1 <= value <= most):
        raise RunError(
            f"{name} must be a whole number from 1 to {most:,}. Received: {value!r:.60}."
        )


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise RunError unless a value is one of some texts."""
    if value not in tuple(choices):
        raise RunError(f"{name} must be {' or '.join(choices)}. Received: {value!r:.60}.")
