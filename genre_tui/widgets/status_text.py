"""Text that is redrawn only when it changes."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class StatusText(Static):
    """Text that may be set often: an equal text costs nothing."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._text = Text()

    def set_text(self, text: Text, *, layout: bool = False) -> None:
        """Show a text.

        Args:
            text: to show.
            layout: whether the widget's size may change with it.
        """
        if text != self._text:
            self._text = text
            self.update(text, layout=layout)
