"""A confusion matrix as a grid of texts and shades, or the difference of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.results.confusion_matrix import ConfusionMatrix, Measure
from experiments.results.number_format import NONE, per_cent

NOTHING = "·"
SIDE = (("precision", "prec"), ("recall", "rec"), ("F1", "F1"), ("rows", "n"))
_STARK = 0.5  # difference of two shares that has the strongest shade
_MOST_DIGITS = 5


@dataclass(frozen=True)
class Cell:
    """What a cell shows.

    Args:
        short: its number, for narrow cells.
        long: the same with more digits.
        note: another number, for a second line.
        shade: between 0 and 1.
        is_right: whether it shows what should be: rows on the diagonal.
    """

    short: str
    long: str
    note: str
    shade: float
    is_right: bool


class Grid:
    """What is drawn of a matrix.

    Args:
        genres: names in label order, clean.
        now: the matrix.
        measure: counts or shares.
        before: what it is compared with, or None; then numbers are differences, and
            their shade says whether it got better or worse.
    """

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
        """The most characters that a short number takes."""
        if self.measure != "counts":
            return 3 if self.before is None else 4
        most = max((max(row, default=0) for row in self.now.counts), default=0)
        if self.before is not None:
            most = max(most, max((max(row, default=0) for row in self.before.counts), default=0))
        return min(len(str(most)), _MOST_DIGITS) + (self.before is not None)

    def cell(self, i: int, j: int) -> Cell:
        """What the cell of true class i and predicted class j shows."""
        value = self.now.value(i, j, self.measure)
        if self.before is not None:
            return self._difference(i, j, value, self.before)
        share = self.now.value(i, j, "columns" if self.measure == "columns" else "rows")
        shade = share or 0.0
        if value is None:
            return Cell(NONE, NONE, "", 0.0, i == j)
        if self.measure == "counts":
            note = f"{shade:.0%}" if value else ""
            return Cell(_count(value), _count(value), note, shade, i == j)
        short, long = f"{value * 100:.0f}", f"{value * 100:.1f}"
        note = _count(self.now.counts[i][j]) if value else ""
        return Cell(short if value else NOTHING, long if value else NOTHING, note, shade, i == j)

    def _difference(self, i: int, j: int, value: float | None, before: ConfusionMatrix) -> Cell:
        was = before.value(i, j, self.measure)
        if value is None or was is None:
            return Cell(NONE, NONE, "", 0.0, True)
        more = value - was
        by: Measure = "columns" if self.measure == "columns" else "rows"
        shares = self.now.value(i, j, by), before.value(i, j, by)
        stark = abs((shares[0] or 0.0) - (shares[1] or 0.0)) / _STARK
        is_right = (more > 0) == (i == j)
        if not more:
            return Cell(NOTHING, NOTHING, "", 0.0, True)
        sign = "+" if more > 0 else "-"
        if self.measure == "counts":
            text = f"{sign}{_count(abs(more))}"
            note = f"{was:.0f} → {value:.0f}"
            return Cell(text, text, note, min(stark, 1.0), is_right)
        note = f"{was * 100:.0f} → {value * 100:.0f}"
        size = abs(more) * 100
        return Cell(f"{sign}{size:.0f}", f"{sign}{size:.1f}", note, min(stark, 1.0), is_right)

    def side(self, i: int) -> tuple[str, ...]:
        """The figures of a class: precision, recall, F1 in per cent, and its rows."""
        now = self.now.scores(i)
        if self.before is None:
            shares = (now.precision, now.recall, now.f1)
            return (*(per_cent(share, 1) for share in shares), _count(now.support))
        was = self.before.scores(i)
        pairs = ((now.precision, was.precision), (now.recall, was.recall), (now.f1, was.f1))
        return (*(_points(*pair) for pair in pairs), _count(now.support))


def _count(count: float) -> str:
    """A count in at most five characters."""
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
