"""Upper limits of options, of fields in a study's file, and of forms."""

from __future__ import annotations

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
