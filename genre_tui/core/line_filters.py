"""Filters through which Textual passes all lines that it draws."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from data.terminal.text import clean_cells, is_clean


class SafeText(LineFilter):
    """Removes control and hidden characters: texts come from records and files of others."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, of the same width."""
        if is_clean("".join(text for text, _, control in segments if not control)):
            return segments  # nearly all lines
        return [
            Segment(text if control else clean_cells(text), style, control)
            for text, style, control in segments
        ]


class WithoutColour(LineFilter):
    """Removes colours from all that is drawn; keeps bold, underlined and reversed text."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments without colours."""
        return [
            Segment(text, style and style.without_color, control)
            for text, style, control in segments
        ]
