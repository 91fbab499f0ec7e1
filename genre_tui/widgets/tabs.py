"""The line at the top: which screens there are, and which one this is."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widgets import Static

# Key, mode and title of each screen.
SCREENS = (
    ("1", "studies", "Studies"),
    ("2", "runs", "Runs"),
    ("3", "run", "Run"),
    ("4", "confusion", "Confusion"),
    ("5", "compare", "Compare"),
    ("6", "data", "Data"),
)
_GAP = 1


class Tabs(Static):
    """The names of all screens with their keys; a click goes there.

    Args:
        current: mode of the screen that this is on.
    """

    DEFAULT_CSS = """
    Tabs { dock: top; height: 1; background: $panel; }
    """

    def __init__(self, current: str) -> None:
        super().__init__()
        self._places: list[tuple[int, int, str]] = []
        text, place = Text(no_wrap=True), 0
        for key, mode, title in SCREENS:
            label = f" {key} {title} "
            text.append(label, "bold reverse" if mode == current else "")
            text.append(" " * _GAP)
            self._places.append((place, place + len(label), mode))
            place += len(label) + _GAP
        self.update(text)

    async def on_click(self, event: events.Click) -> None:
        """Go to the screen whose name was clicked."""
        for begin, end, mode in self._places:
            if begin <= event.x < end:
                await self.app.run_action(f"go('{mode}')")
