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


def added(matrices: Iterable[Counts]) -> list[list[int]]:
    """The sum of matrices of equal size; empty for none."""
    some = list(matrices)
    return [[sum(cell) for cell in zip(*rows, strict=True)] for rows in zip(*some, strict=True)]


def as_text(genres: Sequence[str], counts: Counts) -> str:
    """The counts as aligned plain text under a line of class names."""
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
    """A line for each cell: true and predicted genre, count, share of row and of column."""
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
    """A line for each genre: precision, recall, F1 and support."""
    matrix = ConfusionMatrix(counts)
    return csv_text(
        ["genre", "precision", "recall", "f1", "support"],
        ([genre, *astuple(matrix.scores(i))] for i, genre in enumerate(genres)),
    )


NOTHING = "·"
METRIC_NAMES = (("precision", "prec"), ("recall", "rec"), ("F1", "F1"), ("rows", "n"))
_STARK = 0.5  # a difference of shares from which on the shade is strongest
_MOST_DIGITS = 5


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
        value = self.now.value(i, j, self.measure)
        if self.before is not None:
            return self._difference(i, j, value, self.before)
        share = self.now.value(i, j, "columns" if self.measure == "columns" else "rows")
        shade = share or 0.0
        if value is None:
            return MatrixCell(NONE, NONE, "", 0.0, i == j)
        if self.measure == "counts":
            note = f"{shade:.0%}" if value else ""
            return MatrixCell(_count(value), _count(value), note, shade, i == j)
        short, long = f"{value * 100:.0f}", f"{value * 100:.1f}"
        note = _count(self.now.counts[i][j]) if value else ""
        if not value:
            short = long = NOTHING
        return MatrixCell(short, long, note, shade, i == j)

    def _difference(
        self, i: int, j: int, value: float | None, before: ConfusionMatrix
    ) -> MatrixCell:
        was = before.value(i, j, self.measure)
        if value is None or was is None:
            return MatrixCell(NONE, NONE, "", 0.0, True)
        more = value - was
        by: Measure = "columns" if self.measure == "columns" else "rows"
        shares = self.now.value(i, j, by), before.value(i, j, by)
        stark = abs((shares[0] or 0.0) - (shares[1] or 0.0)) / _STARK
        is_right = (more > 0) == (i == j)
        if not more:
            return MatrixCell(NOTHING, NOTHING, "", 0.0, True)
        sign = "+" if more > 0 else "-"
        if self.measure == "counts":
            text = f"{sign}{_count(abs(more))}"
            note = f"{was:.0f} → {value:.0f}"
            return MatrixCell(text, text, note, min(stark, 1.0), is_right)
        note = f"{was * 100:.0f} → {value * 100:.0f}"
        size = abs(more) * 100
        return MatrixCell(f"{sign}{size:.0f}", f"{sign}{size:.1f}", note, min(stark, 1.0), is_right)

    def metric_texts(self, i: int) -> tuple[str, ...]:
        """Precision, recall, F1 in per cent, and support of class i."""
        now = self.now.scores(i)
        if self.before is None:
            shares = (now.precision, now.recall, now.f1)
            return (*(per_cent(share, 1) for share in shares), _count(now.support))
        was = self.before.scores(i)
        pairs = ((now.precision, was.precision), (now.recall, was.recall), (now.f1, was.f1))
        return (*(_points(*pair) for pair in pairs), _count(now.support))


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
