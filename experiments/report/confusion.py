"""Confusion matrices and scores of genres, as the report shows them."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.results.confusion_matrix import ConfusionMatrix, Counts, GenreScores

MOST_CLASSES = 24  # whose matrix can be read
_STRONG = 0.55  # share above which a cell is dark and its text light
_MOST_MIXED = 12


@dataclass(frozen=True)
class Cell:
    """Rows of one true and one predicted genre, summed over seeds.

    `share` is that of the true genre's rows, None if it has none.
    """

    count: int
    share: float | None

    @property
    def is_strong(self) -> bool:
        """Whether its shading needs light text."""
        return self.share is not None and self.share > _STRONG


@dataclass(frozen=True)
class Mixed:
    """Rows of a genre that were predicted as another, and their share of the genre's rows."""

    genre: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """A variant's confusion matrix.

    Args:
        name: of the variant.
        n: seeds that it is summed over.
        genres: in label order.
        cells: rows true, columns predicted; empty for more than `MOST_CLASSES`.
        scores: of each genre, with its name.
        mixed: the most frequent errors, where there are no cells.
    """

    name: str
    n: int
    genres: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    scores: tuple[tuple[str, GenreScores], ...]
    mixed: tuple[Mixed, ...]


def summarise(name: str, n: int, genres: tuple[str, ...], counts: Counts) -> Confusion:
    """Shares, scores and most frequent errors of a matrix summed over n seeds."""
    matrix, classes = ConfusionMatrix(counts), range(len(genres))
    scores = tuple((genre, matrix.scores(i)) for i, genre in enumerate(genres))
    if len(genres) > MOST_CLASSES:
        return Confusion(name, n, genres, (), scores, _mixed(genres, matrix))
    cells = tuple(
        tuple(Cell(counts[i][j], matrix.value(i, j, "rows")) for j in classes) for i in classes
    )
    return Confusion(name, n, genres, cells, scores, ())


def _mixed(genres: tuple[str, ...], matrix: ConfusionMatrix) -> tuple[Mixed, ...]:
    wrong = [
        Mixed(genres[i], genres[j], count, count / matrix.present[i])
        for i, row in enumerate(matrix.counts)
        for j, count in enumerate(row)
        if i != j and count
    ]
    return tuple(sorted(wrong, key=lambda mixed: -mixed.count)[:_MOST_MIXED])
