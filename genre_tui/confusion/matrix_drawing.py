"""The lines of a matrix: what columns are, their names, cells, figures beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from rich.cells import cell_len, set_cell_size
from rich.style import Style

from genre_tui.confusion.cells import SIDE, Grid
from genre_tui.confusion.heat_colours import RIGHT, WRONG, Rgb, shaded, sign
from genre_tui.confusion.matrix_layout import HEAD, Layout
from genre_tui.core.short_names import abbreviated

Figure = TypeVar("Figure")
Parts = Iterator[tuple[str, Style]]

_F1 = 2  # place of the figure that is shown where there is room for one
_WIDE, _LONG = 9, 7  # columns of a cell from which on there is room for so long numbers
_MOST_SIGNS = 4
_PLAIN, _DIM = Style(), Style(dim=True)
_BOLD, _CURSOR = Style(bold=True), Style(bold=True, reverse=True)


@dataclass(frozen=True)
class Window:
    """The part of a matrix that is seen, from its first row and column on, and the cursor."""

    top: int
    left: int
    i: int
    j: int


def line(y: int, layout: Layout, grid: Grid, window: Window, ground: Rgb | None) -> Parts:
    """Texts and styles of a line.

    Args:
        y: of the line, from 0.
        layout: of the matrix.
        grid: what its cells show.
        window: what is seen of it.
        ground: the colour behind the matrix; None where shades are signs.
    """
    row, part = divmod(y - HEAD, layout.height)
    if y == 0:
        return _axis(layout, grid, window)
    if y < HEAD:
        return _names(layout, grid, window)
    if row < layout.rows:
        return _row(layout, grid, window, window.top + row, part, ground)
    return iter(())


def _axis(layout: Layout, grid: Grid, window: Window) -> Parts:
    """What columns are, and which of them are seen."""
    said, size = "predicted →", len(grid.genres)
    if layout.columns < size:
        said += f" {window.left + 1} to {window.left + layout.columns} of {size}"
    yield " " * layout.label + said, _DIM


def _names(layout: Layout, grid: Grid, window: Window) -> Parts:
    """What rows are, and which of them are seen; names of columns and figures."""
    said, size = "true ↓", len(grid.genres)
    if layout.rows < size:
        said += f" {window.top + 1}-{window.top + layout.rows}"
    yield set_cell_size(said, layout.label), _DIM
    names = abbreviated(grid.genres, layout.cell - 1)
    for j in range(window.left, window.left + layout.columns):
        yield " " * (layout.cell - cell_len(names[j])), _PLAIN
        yield names[j], Style(bold=True, underline=j == window.j)
    for width, (long, short) in zip(layout.side, _chosen(SIDE, layout), strict=True):
        yield (long if len(long) < width else short).rjust(width), _DIM


def _row(
    layout: Layout, grid: Grid, window: Window, i: int, part: int, ground: Rgb | None
) -> Parts:
    """A line of a row: its number and name in the middle one, notes below."""
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
        for width, figure in zip(layout.side, _chosen(grid.side(i), layout), strict=True):
            yield figure.rjust(width), _PLAIN


def _signs(layout: Layout, grid: Grid) -> int:
    """How many signs shade a cell."""
    numbers = _LONG if layout.cell >= _WIDE else grid.digits
    return max(1, min(layout.cell - 2 - numbers, _MOST_SIGNS))


def _chosen(figures: tuple[Figure, ...], layout: Layout) -> tuple[Figure, ...]:
    """The figures that there is room for."""
    return figures[_F1 : _F1 + 1] if len(layout.side) == 1 else figures[: len(layout.side)]
