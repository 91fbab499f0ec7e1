"""The top line: tabs of all screens, and a notice such as the number of running runs."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
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
    auto_links = False

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current, self._notices = current, tuple[str, ...]()

    def show_notices(self, *notices: str) -> None:
        """Show at the right the first of some texts that fits."""
        if notices != self._notices:
            self._notices = notices
            self.refresh()

    def render(self) -> Text:
        """The line."""
        text = Text(no_wrap=True, end="")
        for key, mode, title in SCREENS:
            click = Style(meta={"@click": f"app.go('{mode}')"})
            if mode == self._current:
                text.append(f" {key} {title} ", self._style("current") + click)
            else:
                text.append(f" {key}", self._style("key") + click).append(f" {title} ", click)
        room = self.size.width - text.cell_len - 1
        fitting = (notice for notice in self._notices if len(notice) <= room)
        return text.append(next(fitting, "").rjust(max(room, 0)))

    def _style(self, part: str) -> Style:
        return self.get_component_rich_style(f"tab-bar--{part}", partial=True)
