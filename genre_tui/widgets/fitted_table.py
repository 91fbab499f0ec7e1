"""A Rich table that leaves out columns of low priority where room is short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from data.terminal.console import table

_GAP = 2  # columns between two of the table
_NAME = 24  # cells of the first column that are kept before others are left out


@dataclass(frozen=True)
class FittedColumn:
    """A column; those of the highest rank are left out first, and rank 0 is always shown."""

    title: str
    rank: int = 0


class FittedTable:
    """Names, which may be folded, in the first column, numbers in the others.

    Args:
        left: number of left-aligned columns.
        notes: footnotes by the index of their column, shown where the column is.
    """

    def __init__(
        self,
        columns: Sequence[FittedColumn],
        rows: Sequence[Sequence[str]],
        left: int = 1,
        notes: Mapping[int, str] | None = None,
    ) -> None:
        self._columns, self._rows, self._left = columns, rows, left
        self._notes = notes or {}

    def kept(self, width: int) -> list[int]:
        """Indices of the columns that fit."""
        places = list(range(len(self._columns)))
        widths = [self._width(place) for place in places]
        widths[0] = min(widths[0], _NAME)
        while sum(widths[place] + _GAP for place in places) - _GAP > width:
            worst = max(places, key=lambda place: (self._columns[place].rank, place))
            if not self._columns[worst].rank:
                break
            places.remove(worst)
        return places

    def _width(self, place: int) -> int:
        texts = [self._columns[place].title, *(row[place] for row in self._rows)]
        return max(cell_len(text) for text in texts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        places = self.kept(options.max_width)
        titles = [self._columns[place].title for place in places]
        rows = [[row[place] for place in places] for row in self._rows]
        yield table(titles, rows, left=sum(place < self._left for place in places))
        yield from (Text(note, "dim") for place, note in self._notes.items() if place in places)
