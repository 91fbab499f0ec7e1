"""The widget that plots curves with bands."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from genre_tui.core.theme import SERIES
from genre_tui.plots.curve import Curve, Frame
from genre_tui.plots.plot_drawing import draw

_LEAST_HEIGHT = 4


class Plot(Widget):
    """Curves with bands under a title; only changed parts of its lines are redrawn."""

    DEFAULT_CSS = "Plot { height: 1fr; width: 1fr; }"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title, self._nothing = Text(), ""
        self._theme = ""
        self._curves: Sequence[Curve] = ()
        self._frame = Frame()
        self._strips: list[Strip] = []

    def show(self, title: Text, curves: Sequence[Curve], frame: Frame, nothing: str = "") -> None:
        """Show curves under a title, or the text `nothing` where none has a point."""
        self._title, self._curves, self._frame, self._nothing = title, curves, frame, nothing
        self._draw()

    def on_resize(self) -> None:
        """Draw it in its new size."""
        self._draw()

    def notify_style_update(self) -> None:
        """Draw it in other colours."""
        super().notify_style_update()
        if self.app.theme != self._theme:
            self._theme = self.app.theme
            self._draw()

    def render_line(self, y: int) -> Strip:
        """A line of text."""
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return strip.apply_style(self.rich_style)

    def _draw(self) -> None:
        width, height = self.size
        if width < 1 or height < 1:
            return
        strips = [Strip(line).adjust_cell_length(width) for line in self._lines(width, height)]
        before, self._strips = self._strips, strips
        if len(before) != len(strips):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, strips, strict=True)):
            if old != new:
                begin, end = changed(old, new)
                self.refresh(Region(begin, y, end - begin, 1))

    def _lines(self, width: int, height: int) -> list[list[Segment]]:
        title = self._title.copy()
        empty = not any(curve.end for curve in self._curves)
        if height < _LEAST_HEIGHT or empty:
            lines = [self._title_line(title, width)]
            if height > 2 and empty:
                blank: list[list[Segment]] = [[] for _ in range((height - 2) // 2)]
                lines += [*blank, [Segment(self._nothing.center(width), Style(dim=True))]]
            return (lines + [[] for _ in range(height - len(lines))])[:height]
        drawing = draw(self._curves, self._frame, width, height - 1, self._paint)
        if drawing.is_cut:
            title.append("  a few values are beyond the edge", "dim")
        return [self._title_line(title, width), *drawing.lines]

    def _title_line(self, title: Text, width: int) -> list[Segment]:
        line = Text(end="").append_text(title)
        line.truncate(width, overflow="ellipsis")
        return list(line.render(self.app.console))

    def _paint(self, series: int) -> Style:
        colour = SERIES[series % len(SERIES)]
        if not self.app.current_theme.dark:
            colour = _darker(colour)
        return Style(color=colour)


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


def _darker(colour: str) -> str:
    """A darker colour, with contrast to white."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{int(part * 0.72):02x}" for part in parts)
