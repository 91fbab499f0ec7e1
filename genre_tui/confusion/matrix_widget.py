"""The widget that draws a confusion matrix with a cursor."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from genre_tui.confusion.heat_colours import has_colours
from genre_tui.confusion.matrix import CellGrid
from genre_tui.confusion.matrix_drawing import HEAD, MatrixLayout, VisiblePart, lay_out_matrix, line

_SIDES = ((11, 8, 7, 7), (6, 6, 6, 6), (6,), ())  # widths of the metrics beside the cells


class MatrixWidget(Widget, can_focus=True):
    """Draws a matrix; names and metrics stay visible while its cells scroll."""

    DEFAULT_CSS = "MatrixWidget { height: 1fr; width: 1fr; }"
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
        self._top = self._left = 0

    def show(self, grid: CellGrid | None, missing: str = "") -> None:
        """Show other cells, or the text `missing`; only rows that have changed are redrawn."""
        before, layout, text = self.grid, self._layout, self._missing
        self.grid, self._missing = grid, missing
        if before is grid is None and text == self._missing:
            return
        if grid is not None:
            self.cursor = self._within(*self.cursor)
        self._lay_out()
        now = self._layout
        if before is None or grid is None or now is None or now != layout:
            self.refresh()
            return
        if grid.genres != before.genres:
            self.refresh()
            return
        columns = range(self._left, self._left + now.columns)
        for row in range(self._top, self._top + now.rows):
            same = all(grid.cell(row, j) == before.cell(row, j) for j in columns)
            if not same or grid.metric_texts(row) != before.metric_texts(row):
                self._refresh_row(row)

    def on_resize(self) -> None:
        """Lay it out in the new size."""
        self._lay_out()
        self.refresh()

    def _lay_out(self) -> None:
        grid = self.grid
        if grid is None or not grid.genres or not self.size.area:
            self._layout = None
            return
        least = grid.digits + (1 if has_colours(self.app) else 2)
        name = max(map(cell_len, grid.genres))
        self._layout = lay_out_matrix(*self.size, len(grid.genres), name, max(least, 4), _SIDES)
        self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> bool:
        """Scroll until the cursor is visible; returns whether that was needed."""
        layout, before = self._layout, (self._top, self._left)
        if layout is None or self.grid is None:
            return False
        (i, j), size = self.cursor, len(self.grid.genres)
        top = min(max(self._top, i - layout.rows + 1), i, size - layout.rows)
        left = min(max(self._left, j - layout.columns + 1), j, size - layout.columns)
        self._top, self._left = max(top, 0), max(left, 0)
        return before != (self._top, self._left)

    def _within(self, i: int, j: int) -> tuple[int, int]:
        last = len(self.grid.genres) - 1 if self.grid else 0
        return min(max(i, 0), max(last, 0)), min(max(j, 0), max(last, 0))

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor."""
        i, j = self.cursor
        self.cursor = self._within(i + down, j + right)

    def action_choose(self) -> None:
        """Choose the cell under the cursor."""
        if self.grid is not None:
            self.post_message(self.Chosen())

    def watch_cursor(self, before: tuple[int, int], now: tuple[int, int]) -> None:
        """Redraw the two rows and the column names, or all where it scrolls."""
        if self._scroll_to_cursor():
            self.refresh()
        elif self._layout is not None:
            self.refresh(Region(0, HEAD - 1, self.size.width, 1))  # names of columns
            for row in {before[0], now[0]}:
                self._refresh_row(row)
        self.post_message(self.Moved())

    def _refresh_row(self, row: int) -> None:
        layout = self._layout
        if layout is not None:
            y = HEAD + (row - self._top) * layout.height
            self.refresh(Region(0, y, self.size.width, layout.height))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the cell; a double click chooses it."""
        layout = self._layout
        if layout is None or self.grid is None:
            return
        i, j = (event.y - HEAD) // layout.height, (event.x - layout.label) // layout.cell
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

    def render_line(self, y: int) -> Strip:
        """A line of column titles, names or cells; without cells, of the missing text."""
        width, base = self.size.width, self.rich_style
        if self._layout is None or self.grid is None:
            lines = wrap(self._missing, max(width - 4, 1))
            number = y - (self.size.height - len(lines)) // 2
            text = lines[number] if 0 <= number < len(lines) else ""
            return Strip([Segment(text.center(width), base)]).adjust_cell_length(width, base)
        ground = self.background_colors[1].rgb if has_colours(self.app) else None
        window = VisiblePart(self._top, self._left, *self.cursor)
        parts = line(y, self._layout, self.grid, window, ground)
        segments = [Segment(text, base + style) for text, style in parts]
        return Strip(segments).adjust_cell_length(width, base).simplify()
