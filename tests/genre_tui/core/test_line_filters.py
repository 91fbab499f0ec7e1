"""What Textual draws passes these filters."""

from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from genre_tui.app import GenreTui
from genre_tui.core.app_session import AppSession
from genre_tui.core.line_filters import SafeText, WithoutColour

BLACK = Color.parse("black")


def test_no_colour_leaves_styles() -> None:
    style = Style(color="red", bgcolor="blue", bold=True, reverse=True)
    (drawn, plain) = WithoutColour().apply([Segment("a", style), Segment("b", None)], BLACK)
    assert drawn.style == Style(bold=True, reverse=True)
    assert (drawn.text, plain) == ("a", Segment("b", None))


def test_unsafe_text_is_removed_and_the_width_stays() -> None:
    attack = "日\x1b[2J\u202eevil\u2066\x9b\x07\t\n\u200b\xad\udcff"
    (drawn,) = SafeText().apply([Segment(attack, Style(bold=True))], BLACK)
    assert drawn.text == "日[2Jevil\ufffd\ufffd"
    assert cell_len(drawn.text) == cell_len(attack)
    assert drawn.style == Style(bold=True)


@pytest.mark.parametrize("no_colour", [False, True])
def test_every_app_has_the_filter_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_colour: bool
) -> None:
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    assert isinstance(GenreTui(AppSession(tmp_path)).get_line_filters()[-1], SafeText)
