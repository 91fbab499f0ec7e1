"""Table columns: their widths in the available room, and a row's line of cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text

Item = TypeVar("Item")
GAP = 1  # columns between two cells
GUTTER = 2  # columns in front of them


@dataclass(frozen=True)
class Column(Generic[Item]):
    """One column.

    Args:
        width: least width, in terminal cells.
        cell: text of an item in this column.
        is_number: whether it is right-aligned.
        grows: its share of the room that is left.
        rank: where room is short, columns of the highest rank are left out first.
        keeps_end: whether text that is too long is cut in its middle, not at its end.
    """

    key: str
    title: str
    width: int
    cell: Callable[[Item], str | Text]
    is_number: bool = False
    grows: int = 0
    rank: int = 0
    keeps_end: bool = False


def laid_out(columns: Sequence[Column[Item]], room: int) -> list[tuple[Column[Item], int]]:
    """The columns that fit, with their widths."""
    kept = list(columns)
    while len(kept) > 1 and sum(column.width + GAP for column in kept) > room + GAP:
        kept.remove(max(reversed(kept), key=lambda column: column.rank))
    left = max(0, room + GAP - sum(column.width + GAP for column in kept))
    parts = sum(column.grows for column in kept)
    return [
        (column, column.width + (left * column.grows // parts if parts else 0)) for column in kept
    ]


def line_of(
    columns: Sequence[Column[Item]],
    width: int,
    gutter: str | Text,
    cell: Callable[[Column[Item]], str | Text],
) -> Text:
    """A line of cells, or of titles."""
    text = Text(no_wrap=True, end="")
    text.append_text(_fitted(gutter, GUTTER))
    for column, room in laid_out(columns, width - GUTTER):
        text.append_text(_fitted(cell(column), room, column))
        text.append(" " * GAP)
    return text


def _fitted(cell: str | Text, width: int, column: Column[Item] | None = None) -> Text:
    if isinstance(cell, str) and column is not None and column.keeps_end:
        cell = without_middle(cell, width)
    text = Text(cell) if isinstance(cell, str) else cell.copy()
    text.truncate(width, overflow="ellipsis")
    text.align("right" if column is not None and column.is_number else "left", width)
    return text


def without_middle(text: str, width: int) -> str:
    """Text in at most `width` cells, cut in the middle."""
    if cell_len(text) <= width or width < 3:
        return text
    end = (width - 1) // 2
    while cell_len(text[-end:]) > (width - 1) // 2:
        end -= 1
    return f"{set_cell_size(text, width - 1 - cell_len(text[-end:]))}…{text[-end:]}"
