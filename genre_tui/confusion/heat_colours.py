"""Shares as background colours, or as block characters on terminals without colours."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.style import Style
from textual.color import Gradient

if TYPE_CHECKING:
    from typing import Any

    from textual.app import App

Rgb = tuple[int, int, int]

RIGHT: Rgb = (0, 114, 178)  # Okabe and Ito's blue: correct
WRONG: Rgb = (213, 94, 0)  # their vermilion: wrong
BLACK: Rgb = (0, 0, 0)
WHITE: Rgb = (255, 255, 255)
SIGNS = " ░▒▓█"
_FAINTEST = 0.10  # of a hue, so that a small share differs from none
_MIDDLE = (1.05 * 0.05) ** 0.5 - 0.05  # luminance that contrasts with black as with white
_STEPS = 64  # of a colour scale

# Uniform to the colour-blind, and in grey (van der Walt and Smith, 2015).
VIRIDIS = Gradient.from_colors(
    *("#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c"),
    *("#22a884", "#48bf6e", "#7ad151", "#bddf26", "#fde725"),
)


def has_colours(app: App[Any]) -> bool:
    """Whether the terminal shows more than sixteen colours, and NO_COLOR is not set."""
    is_many = app.console.color_system in ("256", "truecolor")
    return is_many and not app.no_color and not app.native_ansi_color


def sign(share: float) -> str:
    """A block character, denser for a higher share; a space below 2 %."""
    if share < 0.02:
        return SIGNS[0]
    return SIGNS[1 + min(int(share * (len(SIGNS) - 1)), len(SIGNS) - 2)]


def shaded(share: float, hue: Rgb, ground: Rgb) -> Style:
    """A hue over the background, stronger for a higher share, with readable text."""
    return _shaded(round(min(max(share, 0.0), 1.0) * _STEPS), hue, ground)


@lru_cache(maxsize=1024)
def _shaded(step: int, hue: Rgb, ground: Rgb) -> Style:
    behind = mixed(ground, hue, _FAINTEST + (1 - _FAINTEST) * step / _STEPS if step else 0.0)
    return Style(color=Color.from_rgb(*readable_on(behind)), bgcolor=Color.from_rgb(*behind))


def mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    """A mix of two colours: the first at 0, the other at 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def readable_on(behind: Rgb) -> Rgb:
    """Black or white, whichever has more contrast: at least 4.5 to 1 on any colour."""
    return WHITE if luminance(behind) < _MIDDLE else BLACK


def luminance(colour: Rgb) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = [part / 255 for part in colour]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
