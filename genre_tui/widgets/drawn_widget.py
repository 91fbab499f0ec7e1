"""A widget that draws its lines itself, and redraws only those parts that change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class DrawnWidget(Widget):
    """Base of widgets that draw. Subclasses define `lines`, and call `draw` after a change."""

    DEFAULT_CSS = "DrawnWidget { height: 1fr; width: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._strips: list[Strip] = []
        self._theme = ""

    def lines(self, width: int, height: int) -> Sequence[Iterable[Segment]]:
        """All lines, for a size of at least one cell; missing ones are blank."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw it, once it has a size."""
        width, height = self.size
        if width < 1 or height < 1:
            return
        lines = [*self.lines(width, height)[:height]]
        lines += [()] * (height - len(lines))
        strips = [Strip(line).adjust_cell_length(width).simplify() for line in lines]
        before, self._strips = self._strips, strips
        if len(before) != len(strips):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, strips, strict=True)):
            if old != new:
                begin, end = changed(old, new)
                self.refresh(Region(begin, y, end - begin, 1))

    def on_resize(self) -> None:
        """Draw it in its new size."""
        self.draw()

    def notify_style_update(self) -> None:
        """Draw it in other colours."""
        super().notify_style_update()
        if self.app.theme != self._theme:
            self._theme = self.app.theme
            self.draw()

    def render_line(self, y: int) -> Strip:
        """A line of text."""
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return strip.apply_style(self.rich_style)


def changed(old: Strip, new: Strip) -> tuple[int, int]:
    """Begin and end of the part in which two lines of equal width differ.

    One part, since Textual redraws each from the widget's edge on.
    """
    before, now = _cells(old), _cells(new)
    if len(before) != len(now) or len(now) != new.cell_length:  # wide characters
        return 0, new.cell_length
    differ = [place for place, (a, b) in enumerate(zip(before, now, strict=True)) if a != b]
    return (differ[0], differ[-1] + 1) if differ else (0, 0)


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    return [(char, segment.style) for segment in strip for char in segment.text]
