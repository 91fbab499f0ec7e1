"""A confusion matrix as lines of text: its layout in the available room, and each line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from genre_tui.confusion.heat_colours import RIGHT, WRONG, Rgb, shaded, sign
from genre_tui.confusion.matrix import METRIC_NAMES, CellGrid
from genre_tui.core.short_names import abbreviated

HEAD = 2  # lines above the cells: axis title and column names
_LEAST_LABEL, _SHORT_LABEL, _MOST_LABEL = 8, 12, 24
_MOST_CELL, _MOST_HEIGHT = 13, 4
_ENOUGH = 6  # columns of cells that have priority over metrics beside them


@dataclass(frozen=True)
class MatrixLayout:
    """Widths and heights of a matrix's parts, in terminal cells.

    Args:
        label: width of the row names.
        cell, height: of a cell.
        columns, rows: visible numbers.
        side: widths of the metrics beside the cells, as many as fit.
    """

    label: int
    cell: int
    height: int
    columns: int
    rows: int
    side: tuple[int, ...]


def lay_out_matrix(
    width: int,
    height: int,
    size: int,
    name: int,
    least: int,
    sides: Sequence[Sequence[int]],
) -> MatrixLayout:
    """Lay out a matrix in the available room.

    Args:
        width, height: of the room, in terminal cells.
        size: number of classes.
        name: width of the longest class name.
        least: least width of a cell.
        sides: alternatives of the metrics' widths: the first is used where all column names
            fit in full, else the first of the others that leaves room for enough cells.
    """
    label = min(max(name + 1, _LEAST_LABEL), max(_LEAST_LABEL, width // 5), _MOST_LABEL)
    if len(sides) > 1:  # row names are shortened for the sake of columns
        label = min(label, max(_SHORT_LABEL, width - size * least - sum(sides[1])))
    free = max(width - label, least)
    ample = size * max(least, min(name + 1, _MOST_CELL))  # column names in full
    enough = min(size, _ENOUGH) * least
    side = next((tuple(some) for some in sides[:1] if free - sum(some) >= ample), None)
    if side is None:
        side = next((tuple(some) for some in sides[1:] if free - sum(some) >= enough), ())
    free -= sum(side)
    columns = max(1, min(size, free // least))
    cell = max(least, min(free // columns, _MOST_CELL))
    lines = max(height - HEAD, 1)
    tall = max(1, min(lines // size, _MOST_HEIGHT, cell // 3))
    return MatrixLayout(label, cell, tall, columns, max(1, min(size, lines // tall)), side)


Value = TypeVar("Value")
Parts = Iterator[tuple[str, Style]]

_F1 = 2  # index of the metric that is shown where there is room for one
_WIDE, _LONG = 9, 7  # from this width of a cell on, numbers have up to so many characters
_MOST_SIGNS = 4
_PLAIN, _DIM = Style(), Style(dim=True)
_BOLD, _CURSOR = Style(bold=True), Style(bold=True, reverse=True)


@dataclass(frozen=True)
class VisiblePart:
    """First visible row and column of a matrix, and the cell under the cursor."""

    top: int
    left: int
    i: int
    j: int


def line(
    y: int, layout: MatrixLayout, grid: CellGrid, window: VisiblePart, ground: Rgb | None
) -> Parts:
    """Texts and styles of line `y`.

    `ground` is the background colour; None where shades are block characters.
    """
    row, part = divmod(y - HEAD, layout.height)
    if y == 0:
        return _axis(layout, grid, window)
    if y < HEAD:
        return _names(layout, grid, window)
    if row < layout.rows:
        return _row(layout, grid, window, window.top + row, part, ground)
    return iter(())


def _axis(layout: MatrixLayout, grid: CellGrid, window: VisiblePart) -> Parts:
    """The title of the columns, and which of them are visible."""
    text, size = "predicted →", len(grid.genres)
    if layout.columns < size:
        text += f" {window.left + 1} to {window.left + layout.columns} of {size}"
    yield " " * layout.label + text, _DIM


def _names(layout: MatrixLayout, grid: CellGrid, window: VisiblePart) -> Parts:
    """The title of the rows, and which of them are visible; names of columns and metrics."""
    text, size = "true ↓", len(grid.genres)
    if layout.rows < size:
        text += f" {window.top + 1}-{window.top + layout.rows}"
    yield set_cell_size(text, layout.label), _DIM
    names = abbreviated(grid.genres, layout.cell - 1)
    for j in range(window.left, window.left + layout.columns):
        yield " " * (layout.cell - cell_len(names[j])), _PLAIN
        yield names[j], Style(bold=True, underline=j == window.j)
    for width, (long, short) in zip(layout.side, _fitting(METRIC_NAMES, layout), strict=True):
        yield (long if len(long) < width else short).rjust(width), _DIM


def _row(
    layout: MatrixLayout, grid: CellGrid, window: VisiblePart, i: int, part: int, ground: Rgb | None
) -> Parts:
    """One of the lines of a row: name and numbers in the middle one, notes below it."""
    middle = (layout.height - 1) // 2
    name = abbreviated(grid.genres, layout.label - 1)[i] if part == middle else ""
    yield name, Style(bold=True, underline=i == window.i)
    yield " " * (layout.label - cell_len(name)), _PLAIN
    signs = 0 if ground else _signs(layout, grid)
    room = layout.cell - 1 - signs
    for j in range(window.left, window.left + layout.columns):
        cell, text = grid.cell(i, j), ""
        if part == middle:
            text = cell.long if len(cell.long) < room else cell.short
        elif part == middle + 1 and len(cell.note) <= room:
            text = cell.note
        style = _BOLD if i == j and part == middle else _PLAIN
        if (i, j) == (window.i, window.j):
            style = _CURSOR
        if ground:
            hue = RIGHT if cell.is_right else WRONG
            gap = " " if layout.height > 1 else ""
            yield f"{text}{gap}".rjust(layout.cell), shaded(cell.shade, hue, ground) + style
        else:
            yield " " + sign(cell.shade) * signs, _PLAIN
            yield text.rjust(room), style
    if part == middle:
        for width, metric in zip(layout.side, _fitting(grid.metric_texts(i), layout), strict=True):
            yield metric.rjust(width), _PLAIN


def _signs(layout: MatrixLayout, grid: CellGrid) -> int:
    """Number of block characters that shade a cell."""
    numbers = _LONG if layout.cell >= _WIDE else grid.digits
    return max(1, min(layout.cell - 2 - numbers, _MOST_SIGNS))


def _fitting(metrics: tuple[Value, ...], layout: MatrixLayout) -> tuple[Value, ...]:
    """The metrics that fit."""
    return metrics[_F1 : _F1 + 1] if len(layout.side) == 1 else metrics[: len(layout.side)]
