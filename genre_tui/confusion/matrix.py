"""Confusion matrices as text and CSV. Rows are true classes, columns predicted ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple

from data.terminal.text import clean
from experiments.export.csv_files import csv_text
from experiments.results.confusion_matrix import ConfusionMatrix, Counts, Measure

MEASURES: dict[Measure, str] = {
    "counts": "counts",
    "rows": "% of the true genre",
    "columns": "% of the predicted genre",
}


def added(matrices: Iterable[Counts]) -> list[list[int]]:
    """The sum of matrices of one size; empty where there are none."""
    some = list(matrices)
    return [[sum(cell) for cell in zip(*rows, strict=True)] for rows in zip(*some, strict=True)]


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
    matrix = ConfusionMatrix(counts)
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
    matrix = ConfusionMatrix(counts)
    return csv_text(
        ["genre", "precision", "recall", "f1", "support"],
        ([genre, *astuple(matrix.scores(i))] for i, genre in enumerate(genres)),
    )
