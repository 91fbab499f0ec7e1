"""Confusion matrices as text, CSV and cells. Rows are true classes, columns predicted ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

from data.terminal.text import clean
from experiments.export.csv_files import csv_text
from experiments.results.confusion_matrix import ConfusionMatrix, Counts, Measure
from experiments.results.number_format import NONE, per_cent

MEASURES: dict[Measure, str] = {
    "counts": "counts",
    "rows": "% of the true genre",
    "columns": "% of the predicted genre",
}
NOTHING = "·"
METRIC_NAMES = (("precision", "prec"), ("recall", "rec"), ("F1", "F1"), ("rows", "n"))
_STARK = 0.5  # a difference of shares from which on the shade is strongest
_MOST_DIGITS = 5


def added(matrices: Iterable[Counts]) -> list[list[int]]:
    """The sum of matrices of equal size; empty for none."""
    some = list(matrices)
    return [[sum(cell) for cell in zip(*rows, strict=True)] for rows in zip(*some, strict=True)]


def as_text(genres: Sequence[str], counts: Counts) -> str:
    """The counts as aligned plain text under a line of class names."""
    names = [clean(genre) for genre in genres]
    rows = [["true \\ predicted", *names]]
    rows += [[name, *map(str, row)] for name, row in zip(names, counts, strict=True)]
    left, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        "  ".join([name.ljust(left), *map(str.rjust, cells, others)]) for name, *cells in rows
    )


def confusion_csv(genres: Sequence[str], counts: Counts) -> str:
    """A line for each cell: true and predicted genre, count, share of row and of column."""
    matrix = ConfusionMatrix(counts)
    rows = (
        (true, called, counts[i][j], matrix.value(i, j, "rows"), matrix.value(i, j, "columns"))
        for i, true in enumerate(genres)
        for j, called in enumerate(genres)
    )
    return csv_text(["true", "predicted", "count", "share_of_true", "share_of_predicted"], rows)


def classes_csv(genres: Sequence[str], counts: Counts) -> str:
    """A line for each genre: precision, recall, F1 and support."""
    matrix = ConfusionMatrix(counts)
    rows = ((genre, *astuple(matrix.scores(i))) for i, genre in enumerate(genres))
    return csv_text(["genre", "precision", "recall", "f1", "support"], rows)


@dataclass(frozen=True)
class MatrixCell:
    """Text and shade of a cell.

    Args:
        short, long: number for narrow cells, and with more digits.
        note: another number for a second line.
        shade: strength of the colour, 0 to 1.
        is_right: whether it is shaded as correct: rows on the diagonal, or an improvement.
    """

    short: str
    long: str
    note: str
    shade: float
    is_right: bool


class CellGrid:
    """The cells of the matrix `now`, or of its difference to the one `before`."""

    def __init__(
        self,
        genres: Sequence[str],
        now: ConfusionMatrix,
        measure: Measure,
        before: ConfusionMatrix | None = None,
    ) -> None:
        self.genres = tuple(genres)
        self.now, self.measure, self.before = now, measure, before

    @property
    def digits(self) -> int:
        """Largest number of characters of a short number."""
        if self.measure != "counts":
            return 3 if self.before is None else 4
        matrices = [self.now] if self.before is None else [self.now, self.before]
        most = max((max(row, default=0) for one in matrices for row in one.counts), default=0)
        return min(len(str(most)), _MOST_DIGITS) + (self.before is not None)

    def cell(self, i: int, j: int) -> MatrixCell:
        """The cell of true class i and predicted class j."""
        is_count = self.measure == "counts"
        by: Measure = "rows" if is_count else self.measure  # of which shares are shades
        value, share = self.now.value(i, j, self.measure), self.now.value(i, j, by) or 0.0
        was = 0.0 if self.before is None else self.before.value(i, j, self.measure)
        if value is None or was is None:
            return MatrixCell(NONE, NONE, "", 0.0, i == j)
        more = value - was
        if not more:
            return MatrixCell(NOTHING, NOTHING, "", 0.0, i == j)
        if self.before is None:
            sign, shade, is_right = "", share, i == j
            note = f"{share:.0%}" if is_count else _count(self.now.counts[i][j])
        else:
            sign, is_right = "+" if more > 0 else "-", (more > 0) == (i == j)
            shade = min(abs(share - (self.before.value(i, j, by) or 0.0)) / _STARK, 1.0)
            factor = 1 if is_count else 100
            note = f"{was * factor:.0f} → {value * factor:.0f}"
        texts = [_count(abs(more))] * 2
        if not is_count:
            texts = [f"{abs(more) * 100:.{digits}f}" for digits in (0, 1)]
        return MatrixCell(sign + texts[0], sign + texts[1], note, shade, is_right)

    def metric_texts(self, i: int) -> tuple[str, ...]:
        """Precision, recall, F1 in per cent, and support of class i."""
        *shares, support = astuple(self.now.scores(i))
        if self.before is None:
            return (*(per_cent(share, 1) for share in shares), _count(support))
        return (*map(_points, shares, astuple(self.before.scores(i))), _count(support))


def _count(count: float) -> str:
    """A count in at most five characters, such as 123k."""
    if not count:
        return NOTHING
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= 100 * unit:
            return f"{count / unit:.0f}{name}"
    return f"{count:.0f}"


def _points(now: float | None, was: float | None) -> str:
    if now is None or was is None:
        return NONE
    more = (now - was) * 100
    return NOTHING if abs(more) < 0.05 else f"{more:+.{0 if abs(more) > 99.9 else 1}f}"
