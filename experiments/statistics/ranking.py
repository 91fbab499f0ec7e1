"""Variants ranked by their mean figure, and compared pair by pair over common replicates."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

from experiments.statistics.intervals import Interval, mean_interval
from experiments.statistics.paired_tests import SeedComparison, compare_replicates, holm
from experiments.statistics.replicates import Replicate, Unit, fold_count, independent, unit_of

ALPHA = 0.05

Figures = Mapping[str, Mapping[Replicate, float]]


@dataclass(frozen=True)
class RankedVariant:
    """Mean share of a variant over its own, sorted replicates; no interval for too few of them.

    `seeds` holds the replicates: seeds, or in cross-validation folds and seeds.
    """

    name: str
    mean: float
    interval: Interval | None
    seeds: tuple[Replicate, ...]

    @property
    def units(self) -> set[Unit]:
        """What counts in statistics: its seeds, or its folds."""
        return set(map(unit_of, self.seeds))


@dataclass(frozen=True)
class Pair:
    """Two variants, the one with the higher mean first, compared over their common seeds.

    The comparison is first minus second, None for too few common seeds; its p-value is adjusted
    by Holm's method over all pairs.
    """

    first: str
    second: str
    comparison: SeedComparison | None
    adjusted_p: float | None = None

    @property
    def winner(self) -> str | None:
        """The better variant if the adjusted p-value is below `ALPHA`."""
        if self.comparison is None or self.adjusted_p is None or self.adjusted_p >= ALPHA:
            return None
        return self.first if self.comparison.difference > 0 else self.second

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"winner": self.winner}


def rank(figures: Figures) -> tuple[RankedVariant, ...]:
    """Variants that have figures, best mean first; raises ValueError if one is not a share."""
    for name, values in figures.items():
        if not all(0 <= value <= 1 for value in values.values()):
            raise ValueError(
                f"figures are shares between 0 and 1. Received for {name}: "
                f"{list(values.values())!r:.80}."
            )
    ranked = [
        RankedVariant(
            name,
            statistics.fmean(counted),
            mean_interval(counted, folds=fold_count(values)),
            tuple(sorted(values)),
        )
        for name, values in figures.items()
        if (counted := independent(values))
    ]
    return tuple(sorted(ranked, key=lambda variant: -variant.mean))


def compare_all(ranking: Sequence[RankedVariant], figures: Figures) -> tuple[Pair, ...]:
    """Every pair of the ranked variants, in their order, with Holm's adjustment."""
    pairs = []
    for first, second in combinations(ranking, 2):
        comparison = compare_replicates(figures[second.name], figures[first.name])
        pairs.append(Pair(first.name, second.name, comparison))
    adjusted = iter(holm([pair.comparison.p for pair in pairs if pair.comparison]))
    return tuple(
        replace(pair, adjusted_p=next(adjusted)) if pair.comparison else pair for pair in pairs
    )


class PairwiseOutcome:
    """Which variants beat which, by the pairs' adjusted p-values.

    Args:
        ranking: variants with figures, best mean first.
        pairs: all pairs of them, at least one with a comparison.
    """

    def __init__(self, ranking: Sequence[RankedVariant], pairs: Sequence[Pair]) -> None:
        self.ranking = tuple(ranking)
        self.names = tuple(variant.name for variant in ranking)
        self.pairs = tuple(pair for pair in pairs if pair.comparison)
        self._pairs = {frozenset((pair.first, pair.second)): pair for pair in self.pairs}

    def pair(self, one: str, other: str) -> Pair | None:
        """Their pair, if it was compared."""
        return self._pairs.get(frozenset((one, other)))

    def beats(self, one: str, other: str) -> bool:
        """Whether the first beats the second."""
        pair = self.pair(one, other)
        return pair is not None and pair.winner == one

    @cached_property
    def best(self) -> str:
        """The highest ranked variant that was compared and that none beats.

        The seeds that two variants share can reverse the order of their means; where that leaves
        none unbeaten, it is the highest ranked.
        """
        compared = [name for name in self.names if any(self.pair(name, n) for n in self.names)]
        unbeaten = [name for name in compared if not any(self.beats(n, name) for n in self.names)]
        return (unbeaten or compared)[0]

    @cached_property
    def beaten(self) -> tuple[str, ...]:
        """Variants that the best beats."""
        return tuple(name for name in self.names if self.beats(self.best, name))

    @cached_property
    def top(self) -> tuple[str, ...]:
        """The best, then the variants compared with it that it does not beat."""
        others = [name for name in self.names if self.pair(self.best, name)]
        return (self.best, *(name for name in others if name not in self.beaten))

    @cached_property
    def not_compared(self) -> tuple[str, ...]:
        """Variants that share too few seeds with the best."""
        return tuple(name for name in self.names if name not in (*self.top, *self.beaten))

    @property
    def top_is_alike(self) -> bool:
        """Whether all of the top were compared with each other, and none beats another."""
        pairs = [self.pair(a, b) for a, b in combinations(self.top, 2)]
        return all(pair is not None and pair.winner is None for pair in pairs)

    @property
    def wins_in_top(self) -> dict[str, list[str]]:
        """Winner -> variants that it beats, both of the top."""
        wins = {a: [b for b in self.top if self.beats(a, b)] for a in self.top}
        return {winner: losers for winner, losers in wins.items() if losers}
