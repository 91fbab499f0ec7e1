"""Confusion matrices: their figures and shares, in plain Python.

Rows are true classes, columns predicted ones. It takes no NumPy: the screens use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from typing import Literal

from data.terminal.text import clean
from experiments.export.csv_files import csv_text

Counts = Sequence[Sequence[int]]
Measure = Literal["counts", "rows", "columns"]

MEASURES: dict[Measure, str] = {
    "counts": "counts",
    "rows": "% of the true genre",
    "columns": "% of the predicted genre",
}


@dataclass(frozen=True)
class ClassFigures:
    """How well a class is found: shares, None where there is nothing to share.

    Args:
        precision: of what was predicted as the class, how much is.
        recall: of what is the class, how much was predicted as it.
        f1: their harmonic mean.
        support: rows that truly are of the class.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def added(matrices: Iterable[Counts]) -> list[list[int]]:
    """The sum of matrices of one size; empty where there are none."""
    some = list(matrices)
    return [[sum(cell) for cell in zip(*rows, strict=True)] for rows in zip(*some, strict=True)]


class Matrix:
    """A confusion matrix with the sums of its rows and columns.

    Args:
        counts: as many rows as columns.
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

    def figures(self, i: int) -> ClassFigures:
        """How well a class is found."""
        hits = self.counts[i][i]
        return ClassFigures(
            _share(hits, self.predicted[i]),
            _share(hits, self.present[i]),
            _share(2 * hits, self.present[i] + self.predicted[i]),
            self.present[i],
        )

    @property
    def accuracy(self) -> float | None:
        """Share of rows on the diagonal; None without rows."""
        return _share(sum(row[i] for i, row in enumerate(self.counts)), self.total)

    @property
    def macro_f1(self) -> float | None:
        """Mean F1 of the classes that are present or predicted, as in the records."""
        found = (self.figures(i).f1 for i in range(len(self.counts)))
        known = [f1 for f1 in found if f1 is not None]
        return sum(known) / len(known) if known else None


def as_text(genres: Sequence[str], counts: Counts) -> str:
    """The counts as aligned plain text, with a line of what columns are."""
    names = [clean(genre) for genre in genres]
    left = max([len(name) for name in names] + [len("true \\ predicted")])
    widths = [max(len(name), *(len(str(row[j])) for row in counts)) for j, name in enumerate(names)]
    head = [name.rjust(width) for name, width in zip(names, widths, strict=True)]
    lines = ["  ".join(["true \\ predicted".ljust(left), *head])]
    for name, row in zip(names, counts, strict=True):
        cells = [str(count).rjust(width) for count, width in zip(row, widths, strict=True)]
        lines.append("  ".join([name.ljust(left), *cells]))
    return "\n".join(lines)


def confusion_csv(genres: Sequence[str], counts: Counts) -> str:
    """A line each true and predicted genre: count, share of the true, of the predicted."""
    matrix = Matrix(counts)
    return csv_text(
        ["true", "predicted", "count", "share_of_true", "share_of_predicted"],
        (
            [
                *(true, predicted, counts[i][j]),
                *(matrix.value(i, j, "rows"), matrix.value(i, j, "columns")),
            ]
            for i, true in enumerate(genres)
            for j, predicted in enumerate(genres)
        ),
    )


def classes_csv(genres: Sequence[str], counts: Counts) -> str:
    """A line each genre: precision, recall, F1 and rows."""
    matrix = Matrix(counts)
    return csv_text(
        ["genre", "precision", "recall", "f1", "support"],
        ([genre, *astuple(matrix.figures(i))] for i, genre in enumerate(genres)),
    )


def _share(part: float, of: float) -> float | None:
    return part / of if of else None
