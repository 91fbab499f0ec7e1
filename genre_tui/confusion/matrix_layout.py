"""How a matrix fits into the room that there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEAD = 2  # lines above the cells
_LEAST_LABEL, _SHORT_LABEL, _MOST_LABEL = 8, 12, 24
_MOST_CELL, _MOST_HEIGHT = 13, 4
_ENOUGH = 6  # columns of cells that go before figures beside them


@dataclass(frozen=True)
class Layout:
    """A matrix in so many terminal cells.

    Args:
        label: columns of the names of rows.
        cell, height: columns and lines of a cell.
        columns, rows: of cells that are seen at a time.
        side: columns of each figure beside the cells, those that there is room for.
    """

    label: int
    cell: int
    height: int
    columns: int
    rows: int
    side: tuple[int, ...]

    @property
    def side_begin(self) -> int:
        """The column at which figures begin."""
        return self.label + self.columns * self.cell


def lay_out(
    width: int,
    height: int,
    size: int,
    name: int,
    least: int,
    sides: Sequence[Sequence[int]],
) -> Layout:
    """Share out the room.

    Args:
        width, height: of the room, in terminal cells.
        size: rows of the matrix, and its columns.
        name: cells of the longest name.
        least: columns that a cell needs.
        sides: widths of the figures beside the cells, several choices: the first where
            all names fit in full, too, else the first of the others.
    """
    label = min(max(name + 1, _LEAST_LABEL), max(_LEAST_LABEL, width // 5), _MOST_LABEL)
    if len(sides) > 1:  # names make room for columns
        label = min(label, max(_SHORT_LABEL, width - size * least - sum(sides[1])))
    free = max(width - label, least)
    ample = size * max(least, min(name + 1, _MOST_CELL))  # for names in full
    enough = min(size, _ENOUGH) * least
    side = next((tuple(some) for some in sides[:1] if free - sum(some) >= ample), None)
    if side is None:
        side = next((tuple(some) for some in sides[1:] if free - sum(some) >= enough), ())
    free -= sum(side)
    columns = max(1, min(size, free // least))
    cell = max(least, min(free // columns, _MOST_CELL))
    lines = max(height - HEAD, 1)
    tall = max(1, min(lines // size, _MOST_HEIGHT, cell // 3))
    return Layout(label, cell, tall, columns, max(1, min(size, lines // tall)), side)
