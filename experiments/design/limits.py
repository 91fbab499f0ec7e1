"""Bounds of options, wherever they are given: commands, files, scripts, forms, records."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from experiments.errors import OptionError, RunError
from networks.models.config import MOST_EPOCHS

BOUNDS: dict[str, tuple[int, int]] = {  # the least and the largest value
    "seeds": (1, 1000),
    "folds": (3, 100),  # one is the test split, the next validation, the others train
    "epochs": (1, MOST_EPOCHS),
    "threads": (1, 1024),
    "workers": (1, 1024),
    "checkpoint_seconds": (0, 86_400),
    # Of a search: trials in all and at once, and the seed of its sampler.
    "trials": (1, 100_000),
    "cohort": (1, 4096),
    "seed": (0, 2**32 - 1),
}
_FRACTIONAL = ("checkpoint_seconds",)
MOST_VARIANTS = 1000
MOST_LEARNING_RATES = 1000
MOST_TRIALS = 100_000  # of a plan
MOST_DRAWN_VALUES = 10_000  # of all fields and variants of a search, each of which is checked

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


def check_bounds(**options: Any) -> None:
    """Raise OptionError unless options that are not None are numbers within their `BOUNDS`."""
    for name, value in options.items():
        (least, most), is_whole = BOUNDS[name], name not in _FRACTIONAL
        kinds = (int,) if is_whole else (int, float)
        if value is not None and not (type(value) in kinds and least <= value <= most):
            kind = "whole number" if is_whole else "number"
            raise OptionError(
                f"{name} must be a {kind} from {least} to {most:,}. Received: {value!r:.60}."
            )


def check_choice(name: str, value: Any, choices: Iterable[str]) -> None:
    """Raise OptionError unless a value is one of some texts."""
    if value not in tuple(choices):
        raise OptionError(f"{name} must be {' or '.join(choices)}. Received: {value!r:.60}.")
