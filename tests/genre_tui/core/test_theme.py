"""Which colours a terminal gets."""

import pytest
from rich.color import Color

from genre_tui.core.theme import DARK, LIGHT, MARKS, SERIES, STATE_GLYPH, theme_for

FULL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


@pytest.mark.parametrize(
    ("wish", "environment", "theme"),
    [
        ("auto", FULL, "genre-dark"),
        ("auto", {"TERM": "xterm-256color"}, "genre-dark"),
        ("auto", FULL | {"COLORFGBG": "0;15"}, "genre-light"),
        ("auto", FULL | {"COLORFGBG": "15;default;0"}, "genre-dark"),
        ("auto", FULL | {"COLORFGBG": "nonsense"}, "genre-dark"),
        ("auto", {"TERM": "linux"}, "ansi-dark"),
        ("auto", {"TERM": "xterm"}, "ansi-dark"),
        ("auto", {"TERM": "screen", "COLORFGBG": "0;7"}, "ansi-light"),
        ("auto", {"TERM": "screen", "TEXTUAL_COLOR_SYSTEM": "truecolor"}, "genre-dark"),
        ("auto", {}, "ansi-dark"),
        ("dark", {"TERM": "linux"}, "genre-dark"),
        ("dark", FULL | {"COLORFGBG": "0;15"}, "genre-dark"),
        ("light", FULL, "genre-light"),
        ("light", {"TERM": "linux"}, "genre-light"),
        ("ansi", FULL, "ansi-dark"),
        ("ansi", FULL | {"COLORFGBG": "0;15"}, "ansi-light"),
        ("auto", FULL | {"NO_COLOR": "1"}, "ansi-dark"),
        ("light", FULL | {"NO_COLOR": ""}, "ansi-light"),
    ],
)
def test_themes(wish: str, environment: dict[str, str], theme: str) -> None:
    assert theme_for(wish, environment) == theme


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2 defines it."""
    triplet = Color.parse(colour).get_truecolor()
    parts = [
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in triplet
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_texts_can_be_read(theme: object) -> None:
    """Contrasts of 4.5 at least, as WCAG 2 asks of text; of 3 for what warns in large."""
    for name, least in (("foreground", 7.0), ("primary", 4.5), ("accent", 3.0), ("error", 3.0)):
        for background in ("background", "surface", "panel"):
            pair = [_luminance(getattr(theme, place)) for place in (name, background)]
            contrast = (max(pair) + 0.05) / (min(pair) + 0.05)
            assert contrast >= (least if background == "background" else 3.0), (name, background)


def test_series_and_states_differ_without_colour() -> None:
    assert len(set(SERIES)) == len(SERIES) == len(set(MARKS))
    for state in ("running", "stopping", "stopped", "finished", "failed", "crashed", "damaged"):
        assert len(STATE_GLYPH[state]) == 1
    runs = [STATE_GLYPH[state] for state in ("running", "stopped", "finished", "failed")]
    assert len(set(runs)) == 4
