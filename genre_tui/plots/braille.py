"""Draws lines and bands with the dots of braille characters, eight to a cell.

A curve is stored as one integer per column of dots, bit 0 at the top: filling a whole column
costs one operation, so that plots of many curves are drawn in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

BLANK = 0x2800
# Four dots of a cell's column, as bits from top to bottom, to bits of the braille pattern: the
# fourth row was added to Unicode's patterns later, so its bits are out of order.
_LEFT, _RIGHT = (
    tuple(sum(bit for row, bit in enumerate(bits) if dots >> row & 1) for dots in range(16))
    for bits in ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
)
_EVERY_OTHER = int("01" * 512, 2)

Cells = dict[int, int]  # index of a cell, line by line, to its braille pattern


class Raster:
    """A rectangle of cells."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.columns, self.rows = 2 * width, 4 * height

    def line(self, x: Sequence[float], y: Sequence[float], *, dotted: bool = False) -> Cells:
        """The cells of a line.

        Args:
            x: of its points, in columns of dots, ascending.
            y: in rows of dots from the top; NaN is a gap, and values outside are drawn at the
                edge.
            dotted: draw every third column only.
        """
        masks = [0] * self.columns
        before: int | None = None
        for column, row in enumerate(self._heights(x, y)):
            if row is not None:  # without gaps where it is steep
                low = row if before is None else min(row, before + 1)
                high = row if before is None else max(row, before - 1)
                masks[column] = (1 << (high + 1)) - (1 << low)
            before = row
        if len(x) > self.columns // 2:  # several points may share a column
            for here, value in zip(x, y, strict=True):
                if value == value and 0 <= (column := round(here)) < self.columns:
                    masks[column] |= 1 << self._row(value)
        if dotted:
            masks = [
                mask & (_EVERY_OTHER if mask & (mask - 1) else -1) if column % 3 == 0 else 0
                for column, mask in enumerate(masks)
            ]
        return self._cells(masks)

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Cells:
        """The cells of an area between two lines, `low` the upper one, with every fourth dot."""
        masks = [0] * self.columns
        edges = zip(self._heights(x, low), self._heights(x, high), strict=True)
        for column, (top, bottom) in enumerate(edges):
            if top is not None and bottom is not None and column % 2 == 0:
                pattern = _EVERY_OTHER << (column // 2 % 2)
                masks[column] = ((1 << (bottom + 1)) - (1 << min(top, bottom))) & pattern
        return self._cells(masks)

    def cell_of(self, x: float, y: float) -> tuple[int, int]:
        """Column and line of the cell that contains a dot."""
        column = min(max(round(x), 0), self.columns - 1) // 2
        return column, self._row(y) // 4

    def _row(self, y: float) -> int:
        return min(max(round(y), 0), self.rows - 1)

    def _heights(self, x: Sequence[float], y: Sequence[float]) -> list[int | None]:
        """The row at which a line crosses each column, by linear interpolation, or None."""
        heights: list[int | None] = [None] * self.columns
        before: tuple[float, float] | None = None
        for here, value in zip(x, y, strict=True):
            if value != value:
                before = None
                continue
            begin, begin_value = before or (here, value)
            slope = (value - begin_value) / (here - begin) if here > begin else 0.0
            for column in range(max(round(begin), 0), min(round(here), self.columns - 1) + 1):
                at = min(max(column, begin), here)
                heights[column] = self._row(begin_value + slope * (at - begin))
            before = here, value
        return heights

    def _cells(self, masks: Sequence[int]) -> Cells:
        cells: Cells = {}
        for column, mask in enumerate(masks):
            patterns = _RIGHT if column % 2 else _LEFT
            while mask:
                line = ((mask & -mask).bit_length() - 1) // 4
                place = line * self.width + column // 2
                cells[place] = cells.get(place, BLANK) | patterns[mask >> 4 * line & 15]
                mask = mask >> 4 * (line + 1) << 4 * (line + 1)
        return cells
