"""Which learning rate of a variant validation selects."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from experiments.runs.trial_result import TrialResult


def select(results: Mapping[str, TrialResult | None], candidates: Sequence[Sequence[str]]) -> int:
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
        found = (results.get(trial) for trial in candidates[number])
        return statistics.fmean(0.0 if result is None else result.score for result in found)

    return max(range(len(candidates)), key=score)
