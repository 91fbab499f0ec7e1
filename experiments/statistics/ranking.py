"""Variants in order of their figures, and each pair of them compared."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from experiments.statistics.holm import holm
from experiments.statistics.intervals import Interval, mean_interval
from experiments.statistics.paired import Comparison, compare_over_seeds

ALPHA = 0.05

Figures = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True)
class Ranked:
    """A variant's figure over its own seeds.

    Args:
        name: of the variant.
        mean: share between 0 and 1.
        interval: of the mean; None for one seed.
        seeds: that it has a figure of, sorted.
    """

    name: str
    mean: float
    interval: Interval | None
    seeds: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "mean": self.mean,
            "interval": self.interval.to_dict() if self.interval else None,
            "seeds": list(self.seeds),
        }


@dataclass(frozen=True)
class Pair:
    """Two variants compared over the seeds that both have.

    Args:
        first, second: names, the one with the higher mean first.
        comparison: its difference is first minus second; None for fewer than two seeds
            in common.
        adjusted_p: the comparison's p-value after Holm's adjustment over all pairs.
    """

    first: str
    second: str
    comparison: Comparison | None
    adjusted_p: float | None = None

    @property
    def winner(self) -> str | None:
        """The variant that beats the other: the adjusted p-value is below `ALPHA`."""
        if self.comparison is None or self.adjusted_p is None or self.adjusted_p >= ALPHA:
            return None
        return self.first if self.comparison.difference > 0 else self.second

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "first": self.first,
            "second": self.second,
            "comparison": self.comparison.to_dict() if self.comparison else None,
            "adjusted_p": self.adjusted_p,
            "winner": self.winner,
        }


def rank(figures: Figures) -> tuple[Ranked, ...]:
    """Variants that have figures, best mean first; equal ones in the order given.

    Args:
        figures: variant -> seed -> share between 0 and 1.

    Raises:
        ValueError: a figure that is no share.
    """
    for name, values in figures.items():
        if not all(0 <= value <= 1 for value in values.values()):
            raise ValueError(
                f"figures are shares between 0 and 1. Received for {name}: "
                f"{list(values.values())!r:.80}."
            )
    ranked = [
        Ranked(
            name,
            statistics.fmean(values.values()),
            mean_interval(list(values.values()), bounds=(0.0, 1.0)),
            tuple(sorted(values)),
        )
        for name, values in figures.items()
        if values
    ]
    return tuple(sorted(ranked, key=lambda variant: -variant.mean))


def compare_all(ranking: Sequence[Ranked], figures: Figures) -> tuple[Pair, ...]:
    """Every pair of the ranked variants, in their order, with Holm's adjustment."""
    pairs = []
    for first, second in combinations(ranking, 2):
        seeds = [seed for seed in first.seeds if seed in figures[second.name]]
        comparison = compare_over_seeds(
            [figures[second.name][seed] for seed in seeds],
            [figures[first.name][seed] for seed in seeds],
        )
        pairs.append(Pair(first.name, second.name, comparison))
    adjusted = iter(holm([pair.comparison.p for pair in pairs if pair.comparison]))
    return tuple(
        replace(pair, adjusted_p=next(adjusted)) if pair.comparison else pair for pair in pairs
    )
