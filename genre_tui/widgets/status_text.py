"""Text that is drawn only when it says something else."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static


class Said(Static):
    """Text that may be told every second: where it is the same nothing is drawn."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._said = Text()

    def tell(self, text: Text, *, grows: bool = False) -> None:
        """Say something.

        Args:
            text: to say.
            grows: whether the widget's size may change with it.
        """
        if text != self._said:
            self._said = text
            self.update(text, layout=grows)
