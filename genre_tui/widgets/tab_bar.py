"""The top line: tabs of all screens, and a notice such as the number of running runs."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.widget import Widget

# Key, mode and title of each screen.
SCREENS = (
    ("1", "studies", "Studies"),
    ("2", "runs", "Runs"),
    ("3", "run", "Run"),
    ("4", "confusion", "Confusion"),
    ("5", "compare", "Compare"),
    ("6", "data", "Data"),
)


class TabBar(Widget):
    """Titles of all screens with their keys; a click opens the screen."""

    DEFAULT_CSS = """
    TabBar { dock: top; height: 1; background: $panel; color: $foreground; }
    TabBar > .tab-bar--key { text-style: dim; }
    TabBar > .tab-bar--current { background: $primary; color: $background; text-style: bold; }
    TabBar:ansi > .tab-bar--current {
        background: ansi_default; color: ansi_default; text-style: bold reverse;
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"tab-bar--key", "tab-bar--current"}

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current, self._notices = current, tuple[str, ...]()
        self._places: list[tuple[int, int, str]] = []
        place = 0
        for key, mode, title in SCREENS:
            end = place + len(f" {key} {title} ")
            self._places.append((place, end, mode))
            place = end

    def show_notices(self, *notices: str) -> None:
        """Show at the right the first of some texts that fits."""
        if notices != self._notices:
            self._notices = notices
            self.refresh()

    def render(self) -> Text:
        """The line."""
        text = Text(no_wrap=True, end="")
        for key, mode, title in SCREENS:
            if mode == self._current:
                text.append(f" {key} {title} ", self._style("current"))
            else:
                text.append(f" {key}", self._style("key")).append(f" {title} ")
        room = self.size.width - text.cell_len - 1
        fitting = (notice for notice in self._notices if len(notice) <= room)
        return text.append(next(fitting, "").rjust(max(room, 0)))

    async def on_click(self, event: events.Click) -> None:
        """Open the screen whose tab was clicked."""
        for begin, end, mode in self._places:
            if begin <= event.x < end:
                await self.app.run_action(f"go('{mode}')")

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"tab-bar--{part}", partial=True)
