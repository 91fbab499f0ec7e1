"""Which genres a variant mixes up, and how well it finds each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from networks.training.metrics import class_scores

MOST_CLASSES = 24  # whose matrix can be read
_STRONG = 0.55  # share above which a cell is dark and its text light
_MOST_MIXED = 12


@dataclass(frozen=True)
class Cell:
    """Rows of one true and one predicted genre.

    Args:
        count: of them, summed over seeds.
        share: of the rows that truly are of the genre; None where there are none.
    """

    count: int
    share: float | None

    @property
    def is_strong(self) -> bool:
        """Whether its shading needs light text."""
        return self.share is not None and self.share > _STRONG


@dataclass(frozen=True)
class GenreScores:
    """How well a genre is found: shares; `rows` that truly are of it, of one seed."""

    genre: str
    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class Mixed:
    """Rows of a genre that were taken for another."""

    genre: str
    taken_for: str
    count: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """A variant's confusion matrix.

    Args:
        name: of the variant.
        n: seeds that it is summed over.
        genres: in label order.
        cells: rows true, columns predicted; empty where there are too many to be read.
        scores: of each genre.
        mixed: what is mixed up most, where there are no cells.
    """

    name: str
    n: int
    genres: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    scores: tuple[GenreScores, ...]
    mixed: tuple[Mixed, ...]


def summarise(
    name: str, n: int, genres: tuple[str, ...], counts: Sequence[Sequence[int]]
) -> Confusion:
    """Shares, scores and mix-ups of a matrix that was summed over n seeds."""
    matrix = np.array(counts, dtype=np.int64)
    scores = class_scores(matrix)
    present = matrix.sum(axis=1)
    rows = tuple(
        GenreScores(genre, float(precision), float(recall), float(f1), int(support) // max(n, 1))
        for genre, precision, recall, f1, support in zip(
            genres, scores.precision, scores.recall, scores.f1, scores.support, strict=True
        )
    )
    if len(genres) > MOST_CLASSES:
        return Confusion(name, n, genres, (), rows, _mixed(genres, matrix))
    cells = tuple(
        tuple(Cell(int(count), float(count / total) if total else None) for count in row)
        for row, total in zip(matrix, present, strict=True)
    )
    return Confusion(name, n, genres, cells, rows, ())


def _mixed(genres: tuple[str, ...], matrix: np.ndarray) -> tuple[Mixed, ...]:
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_MIXED]
    places = [divmod(int(place), len(genres)) for place in order]
    return tuple(
        Mixed(genres[i], genres[j], int(wrong[i, j]), float(wrong[i, j] / matrix[i].sum()))
        for i, j in places
        if wrong[i, j]
    )
