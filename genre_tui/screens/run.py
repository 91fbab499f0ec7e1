"""The screen Run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from genre_tui.screens.page import Page


class RunPage(Page):
    """To be written."""

    MODE: ClassVar[str] = "run"

    def body(self) -> Iterable[Widget]:
        """One line."""
        yield Static("Run", id="body")
