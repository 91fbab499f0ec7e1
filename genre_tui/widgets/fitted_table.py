"""A table that leaves columns out where there is too little room for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from data.terminal.console import table
from data.terminal.text import clean

_GAP = 2  # columns between two of the table
_NAME = 24  # cells of the first column that are kept before others are left out


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title: above it.
        rank: those with the highest are left out first; 0 stays.
    """

    title: str
    rank: int = 0


class FittedTable:
    """Text in the first column, numbers in the others.

    Args:
        columns: of the table, the first one being a name that may be folded.
        rows: of texts, one a column; they are made clean.
        left: so many columns are text.
        notes: what to say below, by the place of the column that it is about.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        left: int = 1,
        notes: Mapping[int, str] | None = None,
    ) -> None:
        self._columns, self._rows, self._left = columns, rows, left
        self._notes = notes or {}

    def kept(self, width: int) -> list[int]:
        """Places of the columns that there is room for."""
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
        return max(cell_len(clean(text)) for text in texts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        places = self.kept(options.max_width)
        titles = [self._columns[place].title for place in places]
        rows = [[row[place] for place in places] for row in self._rows]
        yield table(titles, rows, left=sum(place < self._left for place in places))
        yield from (Text(note, "dim") for place, note in self._notes.items() if place in places)
