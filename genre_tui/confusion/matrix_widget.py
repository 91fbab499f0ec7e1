"""The widget that draws a confusion matrix with a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from genre_tui.confusion.heat_colours import RIGHT, WRONG, has_colours, shaded, sign
from genre_tui.confusion.matrix import METRIC_NAMES, CellGrid
from genre_tui.core.short_names import abbreviated
from genre_tui.widgets.drawn_widget import DrawnWidget

_HEAD = 2  # lines above the cells: axis title and column names
_LEAST_LABEL, _SHORT_LABEL, _MOST_LABEL = 8, 12, 24
_LEAST_CELL, _MOST_CELL, _MOST_HEIGHT = 4, 13, 4
_ENOUGH = 6  # columns of cells that have priority over metrics beside them
# Widths of the metrics beside the cells: the first where all column names fit in full, else the
# first of the others that leaves room for enough cells.
_SIDES: tuple[tuple[int, ...], ...] = ((11, 8, 7, 7), (6, 6, 6, 6), (6,), ())
_F1 = 2  # index of the metric that is shown where there is room for one
_WIDE, _LONG = 9, 7  # from this width of a cell on, numbers have up to so many characters
_MOST_SIGNS = 4
_PLAIN, _DIM = Style(), Style(dim=True)
_BOLD, _CURSOR = Style(bold=True), Style(bold=True, reverse=True)

Value = TypeVar("Value")


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


def lay_out_matrix(width: int, height: int, size: int, name: int, least: int) -> MatrixLayout:
    """Lay out a matrix in the available room.

    Args:
        width, height: of the room, in terminal cells.
        size: number of classes.
        name: width of the longest class name.
        least: least width of a cell.
    """
    label = min(max(name + 1, _LEAST_LABEL), max(_LEAST_LABEL, width // 5), _MOST_LABEL)
    # Row names are shortened for the sake of columns.
    label = min(label, max(_SHORT_LABEL, width - size * least - sum(_SIDES[1])))
    free = max(width - label, least)
    ample = size * max(least, min(name + 1, _MOST_CELL))  # column names in full
    enough = min(size, _ENOUGH) * least
    needs = zip(_SIDES, (ample, enough, enough, 0), strict=True)
    side = next((side for side, need in needs if free - sum(side) >= need), ())
    free -= sum(side)
    columns = max(1, min(size, free // least))
    cell = max(least, min(free // columns, _MOST_CELL))
    lines = max(height - _HEAD, 1)
    tall = max(1, min(lines // size, _MOST_HEIGHT, cell // 3))
    return MatrixLayout(label, cell, tall, columns, max(1, min(size, lines // tall)), side)


class MatrixWidget(DrawnWidget, can_focus=True):
    """Draws a matrix; names and metrics stay visible while its cells scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "Cell above", show=False),
        Binding("down", "move(1, 0)", "Cell below", show=False),
        Binding("left", "move(0, -1)", "Cell to the left", show=False),
        Binding("right", "move(0, 1)", "Cell to the right", show=False),
        Binding("home", "move(-9999, -9999)", "First cell", show=False),
        Binding("end", "move(9999, 9999)", "Last cell", show=False),
        Binding("enter", "choose", "Segments", tooltip="List the segments in this cell"),
    ]
    cursor: reactive[tuple[int, int]] = reactive((0, 0), repaint=False)

    class Moved(Message):
        """The cursor moved to another cell."""

    class Chosen(Message):
        """The cell under the cursor was chosen with Enter or a double click."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.grid: CellGrid | None = None
        self._layout: MatrixLayout | None = None
        self._missing = ""
        self._top = self._left = 0  # first visible row and column

    def show(self, grid: CellGrid | None, missing: str = "") -> None:
        """Show other cells, or the text `missing`."""
        self.grid, self._missing = grid, missing
        if grid is not None:
            self.action_move(0, 0)
        self.draw()

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor."""
        last = max(len(self.grid.genres) - 1, 0) if self.grid else 0
        i, j = self.cursor
        self.cursor = min(max(i + down, 0), last), min(max(j + right, 0), last)

    def action_choose(self) -> None:
        """Choose the cell under the cursor."""
        if self.grid is not None:
            self.post_message(self.Chosen())

    def watch_cursor(self) -> None:
        """Draw the cursor in its new cell."""
        self.draw()
        self.post_message(self.Moved())

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the cell; a double click chooses it."""
        layout = self._layout
        if layout is None:
            return
        i, j = (event.y - _HEAD) // layout.height, (event.x - layout.label) // layout.cell
        if 0 <= i < layout.rows and 0 <= j < layout.columns:
            self.cursor = i + self._top, j + self._left
            if event.chain == 2:
                self.action_choose()

    def on_mouse_scroll_down(self) -> None:
        """Move the cursor down."""
        self.action_move(1, 0)

    def on_mouse_scroll_up(self) -> None:
        """Move the cursor up."""
        self.action_move(-1, 0)

    def lines(self, width: int, height: int) -> Sequence[Iterable[Segment]]:
        """Column titles, names and cells; without cells, the missing text."""
        grid, (i, j) = self.grid, self.cursor
        if grid is None or not grid.genres:
            self._layout = None
            texts = wrap(self._missing, max(width - 4, 1))
            above = max((height - len(texts)) // 2, 0)
            return [()] * above + [[Segment(text.center(width))] for text in texts]
        least = max(grid.digits + (1 if has_colours(self.app) else 2), _LEAST_CELL)
        name, size = max(map(cell_len, grid.genres)), len(grid.genres)
        layout = self._layout = lay_out_matrix(width, height, size, name, least)
        self._top = _scrolled(self._top, i, layout.rows, size)
        self._left = _scrolled(self._left, j, layout.columns, size)
        rows = range(self._top, self._top + layout.rows)
        return [
            self._axis(layout, size),
            self._names(layout, grid),
            *(self._row(layout, grid, i, part) for i in rows for part in range(layout.height)),
        ]

    def _axis(self, layout: MatrixLayout, size: int) -> Iterator[Segment]:
        """The title of the columns, and which of them are visible."""
        text = " " * layout.label + "predicted →"
        if layout.columns < size:
            text += f" {self._left + 1} to {self._left + layout.columns} of {size}"
        yield Segment(text, _DIM)

    def _names(self, layout: MatrixLayout, grid: CellGrid) -> Iterator[Segment]:
        """The title of the rows, and which of them are visible; names of columns and metrics."""
        text = "true ↓"
        if layout.rows < len(grid.genres):
            text += f" {self._top + 1}-{self._top + layout.rows}"
        yield Segment(set_cell_size(text, layout.label), _DIM)
        names = abbreviated(grid.genres, layout.cell - 1)
        for j in range(self._left, self._left + layout.columns):
            yield Segment(" " * (layout.cell - cell_len(names[j])))
            yield Segment(names[j], Style(bold=True, underline=j == self.cursor[1]))
        for width, (long, short) in _beside(layout, METRIC_NAMES):
            yield Segment((long if len(long) < width else short).rjust(width), _DIM)

    def _row(self, layout: MatrixLayout, grid: CellGrid, i: int, part: int) -> Iterator[Segment]:
        """One of the lines of a row: name and numbers in the middle one, notes below it."""
        middle = (layout.height - 1) // 2
        name = abbreviated(grid.genres, layout.label - 1)[i] if part == middle else ""
        yield Segment(name, Style(bold=True, underline=i == self.cursor[0]))
        yield Segment(" " * (layout.label - cell_len(name)))
        ground = self.background_colors[1].rgb if has_colours(self.app) else None
        signs = 0  # block characters that shade a cell
        if not ground:
            numbers = _LONG if layout.cell >= _WIDE else grid.digits
            signs = max(1, min(layout.cell - 2 - numbers, _MOST_SIGNS))
        room = layout.cell - 1 - signs
        for j in range(self._left, self._left + layout.columns):
            cell, text = grid.cell(i, j), ""
            if part == middle:
                text = cell.long if len(cell.long) < room else cell.short
            elif part == middle + 1 and len(cell.note) <= room:
                text = cell.note
            style = _BOLD if i == j and part == middle else _PLAIN
            if (i, j) == self.cursor:
                style = _CURSOR
            if ground:
                shade = shaded(cell.shade, RIGHT if cell.is_right else WRONG, ground)
                gap = " " if layout.height > 1 else ""
                yield Segment(f"{text}{gap}".rjust(layout.cell), shade + style)
            else:
                yield Segment(" " + sign(cell.shade) * signs)
                yield Segment(text.rjust(room), style)
        if part == middle:
            for width, metric in _beside(layout, grid.metric_texts(i)):
                yield Segment(metric.rjust(width))


def _beside(layout: MatrixLayout, metrics: tuple[Value, ...]) -> Iterator[tuple[int, Value]]:
    """Widths of the metrics that fit beside the cells, with the metrics."""
    return zip(layout.side, metrics[_F1:] if len(layout.side) == 1 else metrics, strict=False)


def _scrolled(first: int, cursor: int, visible: int, size: int) -> int:
    """The first visible row or column, with the cursor in sight."""
    return max(min(max(first, cursor - visible + 1), cursor, size - visible), 0)
