"""A Rich table that leaves out columns of low priority where room is short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from data.terminal.console import table

_GAP = 2  # columns between two of the table
_NAME = 24  # cells of the first column that are kept before others are left out


class FittedTable:
    """Names, which may be folded, in the first column, numbers in the others.

    Args:
        columns: ranks by title; columns of the highest rank are left out first, and those of
            rank 0 never.
        left: number of left-aligned columns.
        notes: footnotes by the index of their column, shown where the column is.
    """

    def __init__(
        self,
        columns: Mapping[str, int],
        rows: Sequence[Sequence[str]],
        left: int = 1,
        notes: Mapping[int, str] | None = None,
    ) -> None:
        self._titles, self._ranks = list(columns), list(columns.values())
        self._rows, self._left, self._notes = rows, left, notes or {}

    def kept(self, width: int) -> list[int]:
        """Indices of the columns that fit."""
        columns = list(zip(self._titles, *self._rows, strict=True))
        places = list(range(len(columns)))
        widths = [max(map(cell_len, column)) for column in columns]
        widths[0] = min(widths[0], _NAME)
        while sum(widths[place] + _GAP for place in places) - _GAP > width:
            worst = max(places, key=lambda place: (self._ranks[place], place))
            if not self._ranks[worst]:
                break
            places.remove(worst)
        return places

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        places = self.kept(options.max_width)
        titles = [self._titles[place] for place in places]
        rows = [[row[place] for place in places] for row in self._rows]
        yield table(titles, rows, left=sum(place < self._left for place in places))
        yield from (Text(note, "dim") for place, note in self._notes.items() if place in places)
