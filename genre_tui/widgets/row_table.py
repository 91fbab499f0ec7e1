"""A table of many rows that draws visible rows only, and only when they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from genre_tui.widgets.columns import GAP, GUTTER, Column, Item, laid_out, line_of


@dataclass
class _RowMessage(Message):
    """Base of the table's messages about an item."""

    table: RowTable[Any]
    item: Any

    @property
    def control(self) -> RowTable[Any]:
        """The table."""
        return self.table


class RowTable(ScrollView, Generic[Item], can_focus=True):
    """Rows of items under a line of titles. The cursor stays on its item.

    A thousand rows cost no more than a screenful; a changed item redraws its own line only.

    Args:
        key: unique name of an item.
        gutter: two characters in front of an item, such as a mark.
    """

    DEFAULT_CSS = """
    RowTable { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    RowTable > .row-table--titles { text-style: bold; background: $panel; }
    RowTable > .row-table--cursor { background: $primary 30%; }
    RowTable:focus > .row-table--cursor {
        background: $block-cursor-background; color: $block-cursor-foreground;
        text-style: $block-cursor-text-style;
    }
    RowTable:ansi > .row-table--titles { text-style: bold underline; }
    RowTable:ansi > .row-table--cursor { text-style: underline; }
    RowTable:ansi:focus > .row-table--cursor { text-style: reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-table--titles", "row-table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Row above", show=False),
        Binding("down,j", "move(1)", "Row below", show=False),
        Binding("pageup", "page(-1)", "Page above", show=False),
        Binding("pagedown", "page(1)", "Page below", show=False),
        Binding("home", "edge(0)", "First row", show=False),
        Binding("end", "edge(1)", "Last row", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    class Moved(_RowMessage):
        """The cursor moved to another item; `item` is None where there is none."""

    class Chosen(_RowMessage):
        """An item was chosen with Enter or a double click."""

    class Headed(_RowMessage):
        """A column's title was clicked; `item` is the column's key."""

    def __init__(
        self,
        columns: Sequence[Column[Item]],
        key: Callable[[Item], str],
        gutter: Callable[[Item], str | Text] = lambda item: "",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._columns, self._key, self._gutter = tuple(columns), key, gutter
        self._titles: dict[str, str] = {}
        self._items: list[Item] = []
        self._places: dict[str, int] = {}
        self._cursor: str | None = None
        self._nothing = ""

    @property
    def items(self) -> Sequence[Item]:
        """The shown items, in order."""
        return self._items

    @property
    def item(self) -> Item | None:
        """The item under the cursor, or None."""
        place = self._place
        return None if place is None else self._items[place]

    def show(self, items: Sequence[Item], nothing: str = "") -> None:
        """Show items, or the text `nothing` where there are none; equal ones are not redrawn."""
        before, place = self._items, self._place
        self._items, self._nothing = list(items), nothing
        places = {self._key(item): number for number, item in enumerate(items)}
        same, self._places = places.keys() == self._places.keys(), places
        same = same and [self._key(item) for item in before] == list(places)
        if self._cursor not in places:
            at = min(place or 0, len(items) - 1)
            self._cursor = self._key(self._items[at]) if items else None
        self.virtual_size = Size(self._width, len(items) + 1)
        if same and items:
            for number, (old, new) in enumerate(zip(before, items, strict=True)):
                if old is not new and old != new:
                    self._refresh_cells(number, old, new)
        else:
            self.refresh()
            if place is not None and self._place is not None:  # keep the cursor's line
                self._scroll(self.scroll_offset.y + self._place - place)
            self._scroll_to_cursor()
        self._post_moved(before[place] if place is not None else None)

    def move_to(self, key: str) -> None:
        """Move the cursor to an item, if it is shown."""
        if key in self._places and key != self._cursor:
            before, old = self._place, self.item
            self._cursor = key
            if before is not None:
                self._refresh_row(before)
            self._refresh_row(self._places[key])
            self._scroll_to_cursor()
            self._post_moved(old)

    def redraw(self, key: str) -> None:
        """Redraw an item's row, such as after it was marked."""
        if key in self._places:
            self._refresh_row(self._places[key])

    def title(self, column: str, text: str) -> None:
        """Set a column's title."""
        if self._titles.get(column) != text:
            self._titles[column] = text
            self.refresh(Region(0, 0, self.size.width, 1))

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        if self._items:
            at = min(max((self._place or 0) + rows, 0), len(self._items) - 1)
            self.move_to(self._key(self._items[at]))

    def action_page(self, pages: int) -> None:
        """Move the cursor by pages."""
        self.action_move(pages * max(1, self.size.height - 2))

    def action_edge(self, last: int) -> None:
        """Move the cursor to the first or the last row."""
        self.action_move(len(self._items) if last else -len(self._items))

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if self.item is not None:
            self.post_message(self.Chosen(self, self.item))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the row; a double click chooses it."""
        if event.y == 0:
            at = 0
            for column, width in laid_out(self._columns, self._width - GUTTER):
                at += width + GAP
                if event.x - GUTTER < at:
                    self.post_message(self.Headed(self, column.key))
                    return
            return
        place = event.y - 1 + self.scroll_offset.y
        if place < len(self._items):
            key = self._key(self._items[place])
            if key == self._cursor and event.chain > 1:
                self.action_choose()
            self.move_to(key)

    def on_resize(self) -> None:
        """Keep the cursor visible."""
        self.virtual_size = Size(self._width, len(self._items) + 1)
        self._scroll_to_cursor()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The titles, or an item."""
        style = self.rich_style
        if y == 0:
            style = self.get_component_rich_style("row-table--titles")
            return self._strip("", lambda column: self._titles.get(column.key, column.title), style)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._items):
            text = f"  {self._nothing}" if y == 2 and not self._items else ""
            return Strip([Segment(text, style)]).adjust_cell_length(self._width, style)
        item = self._items[place]
        has_cursor = self._key(item) == self._cursor
        if has_cursor:
            style = self.get_component_rich_style("row-table--cursor")
        return self._strip(self._gutter(item), lambda column: column.cell(item), style, has_cursor)

    def _strip(
        self,
        gutter: str | Text,
        cell: Callable[[Column[Item]], str | Text],
        style: Style,
        has_cursor: bool = False,
    ) -> Strip:
        text = line_of(self._columns, self._width, gutter, cell)
        segments = [
            Segment(part.text, style + _own_style(part.style, has_cursor))
            for part in text.render(self.app.console)
        ]
        return Strip(segments).adjust_cell_length(self._width, style)

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    @property
    def _place(self) -> int | None:
        return None if self._cursor is None else self._places.get(self._cursor)

    def _refresh_row(self, place: int) -> None:
        y = place + 1 - self.scroll_offset.y
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _refresh_cells(self, place: int, old: Item, new: Item) -> None:
        """Redraw a row from its first to its last changed cell."""
        y, at, changed = place + 1 - self.scroll_offset.y, GUTTER, list[int]()
        if 1 <= y < self.size.height:
            for column, width in laid_out(self._columns, self._width - GUTTER):
                if column.cell(old) != column.cell(new):
                    changed += [at, at + width]
                at += width + GAP
            if self._gutter(old) != self._gutter(new):
                changed.append(0)
            if changed:
                begin = min(changed)
                self.refresh(Region(begin, y, max(changed) - begin, 1))

    def _scroll_to_cursor(self) -> None:
        place, rows = self._place, self.size.height - 1
        if place is not None and rows > 0:
            top = self.scroll_offset.y
            self._scroll(min(max(top, place - rows + 1), place))

    def _scroll(self, y: int) -> None:
        if y != self.scroll_offset.y:
            self.scroll_to(y=max(0, y), animate=False, force=True, immediate=True)

    def _post_moved(self, before: Item | None) -> None:
        item = self.item
        if item is not before and (
            item is None or before is None or self._key(item) != self._key(before)
        ):
            self.post_message(self.Moved(self, item))


def _own_style(style: Style | None, under_cursor: bool) -> Style:
    """A cell's own style; without colours under the cursor, where they could not be read."""
    if style is None:
        return Style.null()
    return Style(bold=style.bold, italic=style.italic) if under_cursor else style
