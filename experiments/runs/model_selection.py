"""Which learning rate of a variant validation selects."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]


def select(results: Mapping[str, Result | None], candidates: Sequence[Sequence[str]]) -> int:
    """The candidate with the best validation macro-F1, averaged over its seeds.

    Trials that did not finish count as 0, so that a lucky seed cannot select a
    learning rate that mostly diverges. The first of equals wins.

    Args:
        results: of trials, by their ids.
        candidates: ids of each one's trials, at least one.

    Returns:
        The number of the candidate.
    """

    def score(number: int) -> float:
        scores = (_score(results.get(trial)) for trial in candidates[number])
        return statistics.fmean(scores)

    return max(range(len(candidates)), key=score)


def needs_test(result: Result | None) -> bool:
    """Whether a selected trial's test rows are still to be looked at."""
    return result is not None and result["status"] == "finished" and not result["test"]


def _score(result: Result | None) -> float:
    if result is None or result["status"] != "finished":
        return 0.0
    return float(result["validation"]["macro_f1"])
