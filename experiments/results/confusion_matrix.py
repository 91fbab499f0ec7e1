"""A confusion matrix with its shares and scores, in plain Python: tables and screens use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Counts = Sequence[Sequence[int]]
Measure = Literal["counts", "rows", "columns"]


@dataclass(frozen=True)
class GenreScores:
    """Precision, recall and F1 of one class; None where the denominator is 0.

    Args:
        precision, recall, f1: shares.
        support: rows that truly are of the class.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


class ConfusionMatrix:
    """Counts of rows by true class (first index) and predicted class (second index).

    Args:
        counts: [shape=(classes, classes)]
    """

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
        self.present = [sum(row) for row in counts]
        self.predicted = [sum(column) for column in zip(*counts, strict=True)]
        self.total = sum(self.present)

    def value(self, i: int, j: int, measure: Measure) -> float | None:
        """A count, or its share of its row or column; None where that is empty."""
        count = self.counts[i][j]
        if measure == "counts":
            return float(count)
        return _share(count, self.present[i] if measure == "rows" else self.predicted[j])

    def scores(self, i: int) -> GenreScores:
        """Scores of a class."""
        hits = self.counts[i][i]
        return GenreScores(
            _share(hits, self.predicted[i]),
            _share(hits, self.present[i]),
            _share(2 * hits, self.present[i] + self.predicted[i]),
            self.present[i],
        )

    def mistakes(self) -> list[tuple[int, int, int]]:
        """Count, true and predicted class of what was confused, most frequent first."""
        found = (
            (count, i, j)
            for i, row in enumerate(self.counts)
            for j, count in enumerate(row)
            if i != j and count
        )
        return sorted(found, key=lambda one: -one[0])

    @property
    def accuracy(self) -> float | None:
        """Share of rows on the diagonal; None without rows."""
        return _share(sum(row[i] for i, row in enumerate(self.counts)), self.total)

    @property
    def macro_f1(self) -> float | None:
        """Mean F1 of the classes that are present or predicted, as `networks.training.metrics`."""
        found = (self.scores(i).f1 for i in range(len(self.counts)))
        known = [f1 for f1 in found if f1 is not None]
        return sum(known) / len(known) if known else None


def _share(part: float, of: float) -> float | None:
    return part / of if of else None
