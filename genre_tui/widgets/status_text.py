"""Text that is redrawn only when it changes."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class StatusText(Static):
    """Text that may be set often: an equal text costs nothing."""

    _text = Text()

    def set_text(self, text: Text, *, layout: bool = False) -> None:
        """Show a text; `layout`: the widget's size may change with it."""
        if text != self._text:
            self._text = text
            self.update(text, layout=layout)
