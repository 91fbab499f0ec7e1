"""Who beats whom, seen from the best variant."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from experiments.statistics.ranking import Pair, Ranked


class Standing:
    """A study's variants by what the pairs' adjusted p-values say of them.

    Args:
        ranking: variants with figures, best mean first.
        pairs: all pairs of them, one at least with a comparison.
    """

    def __init__(self, ranking: Sequence[Ranked], pairs: Sequence[Pair]) -> None:
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

        The seeds that two variants share can turn the order of their means; where that
        leaves none unbeaten, it is the highest ranked.
        """
        compared = [name for name in self.names if any(self.pair(name, n) for n in self.names)]
        unbeaten = [name for name in compared if not any(self.beats(n, name) for n in self.names)]
        return (unbeaten or compared)[0]

    @cached_property
    def beaten(self) -> tuple[str, ...]:
        """Those that the best beats."""
        return tuple(name for name in self.names if self.beats(self.best, name))

    @cached_property
    def top(self) -> tuple[str, ...]:
        """The best, then those compared with it that it does not beat."""
        others = [name for name in self.names if self.pair(self.best, name)]
        return (self.best, *(name for name in others if name not in self.beaten))

    @cached_property
    def apart(self) -> tuple[str, ...]:
        """Those that share too few seeds with the best to be compared with it."""
        return tuple(name for name in self.names if name not in (*self.top, *self.beaten))

    @property
    def top_is_alike(self) -> bool:
        """Whether no two of the top can be told apart, and all were compared."""
        pairs = [self.pair(a, b) for a in self.top for b in self.top if a != b]
        return all(pair is not None and pair.winner is None for pair in pairs)

    @property
    def wins_in_top(self) -> dict[str, list[str]]:
        """Winner -> whom it beats, both of the top."""
        wins = {a: [b for b in self.top if self.beats(a, b)] for a in self.top}
        return {winner: losers for winner, losers in wins.items() if losers}
