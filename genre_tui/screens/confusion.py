"""The screen Confusion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Static

from genre_tui.screens.page import Page


class ConfusionPage(Page):
    """To be written."""

    MODE: ClassVar[str] = "confusion"

    def body(self) -> Iterable[Widget]:
        """One line."""
        yield Static("Confusion", id="body")
