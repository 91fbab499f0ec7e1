"""Upper limits of what a user can ask for: on the command line, in a study's file, in forms."""

from __future__ import annotations

from experiments.errors import RunError

MOST_VARIANTS = 1000
MOST_LEARNING_RATES = 1000
MOST_SEEDS = 1000
MOST_EPOCHS = 100_000
MOST_TRIALS = 100_000
MOST_DRAWN_AT_ONCE = 4096


def check_limit(number: int, most: int, what: str) -> None:
    """Raise RunError if a study has more of something than it can have.

    Args:
        number: that it has.
        most: that it can have.
        what: is counted, such as "variants".
    """
    if number > most:
        raise RunError(f"a study has at most {most:,} {what}; this one would have {number:,}.")
