"""Which parts of drawn lines are redrawn."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from genre_tui.widgets.drawn_widget import changed


@pytest.mark.parametrize(
    ("after", "span"),
    [("abXdef", (2, 3)), ("abXdeX", (2, 6)), ("abc音f", (0, 6)), ("abcdef", (0, 0))],
)
def test_only_what_has_changed_of_a_line_is_drawn(after: str, span: tuple[int, int]) -> None:
    assert changed(Strip([Segment("abcdef")]), Strip([Segment(after)])) == span


def test_a_change_of_colour_is_a_change() -> None:
    red = Style(color="red")
    assert changed(Strip([Segment("abc")]), Strip([Segment("ab"), Segment("c", red)])) == (2, 3)
