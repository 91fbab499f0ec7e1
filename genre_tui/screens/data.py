"""The screen Data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from genre_tui.screens.page import Page


class DataPage(Page):
    """To be written."""

    MODE: ClassVar[str] = "data"

    def body(self) -> Iterable[Widget]:
        """One line."""
        yield Static("Data", id="body")
