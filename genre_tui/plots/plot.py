"""The widget that plots curves with bands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from genre_tui.core.theme import SERIES
from genre_tui.plots.curve import Curve, Frame
from genre_tui.plots.plot_drawing import draw
from genre_tui.widgets.drawn_widget import DrawnWidget

_LEAST_HEIGHT = 4


class Plot(DrawnWidget):
    """Curves with bands under a title."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title, self._nothing = Text(), ""
        self._curves: Sequence[Curve] = ()
        self._frame = Frame()

    def show(self, title: Text, curves: Sequence[Curve], frame: Frame, nothing: str = "") -> None:
        """Show curves under a title, or the text `nothing` where none has a point."""
        self._title, self._curves, self._frame, self._nothing = title, curves, frame, nothing
        self.draw()

    def lines(self, width: int, height: int) -> Sequence[Iterable[Segment]]:
        """Title and curves."""
        title = self._title.copy()
        title.end = ""
        lines: list[list[Segment]] = []
        if not any(curve.end for curve in self._curves):
            lines += [[] for _ in range((height - 2) // 2)]
            lines += [[Segment(self._nothing.center(width), Style(dim=True))]] * (height > 2)
        elif height >= _LEAST_HEIGHT:
            drawing = draw(self._curves, self._frame, width, height - 1, self._paint)
            lines = drawing.lines
            if drawing.is_cut:
                title.append("  a few values are beyond the edge", "dim")
        title.truncate(width, overflow="ellipsis")
        return [title.render(self.app.console), *lines]

    def _paint(self, series: int) -> Style:
        colour = SERIES[series % len(SERIES)]
        if not self.app.current_theme.dark:
            colour = _darker(colour)
        return Style(color=colour)


def _darker(colour: str) -> str:
    """A darker colour, with contrast to white."""
    parts = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return "#" + "".join(f"{int(part * 0.72):02x}" for part in parts)
