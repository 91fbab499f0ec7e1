"""Colours and signs. Nothing is told by colour alone.

The colours of series are Okabe and Ito's, which colour-blind people tell apart
("Color Universal Design", 2008).
"""

from __future__ import annotations

import os

from textual.theme import Theme

# Of variants, in order; each goes with a mark of its own.
SERIES = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#F0E442", "#999999")
MARKS = ("●", "▲", "■", "◆", "▼", "★", "+", "×")

STATE_GLYPH: dict[str, str] = {
    "running": "▶",
    "stopping": "◧",
    "stopped": "■",
    "finished": "✓",
    "failed": "✗",
    "crashed": "!",
    "damaged": "?",
    "waiting": "·",
    "training": "▶",
    "diverged": "∞",
}
STATE_STYLE: dict[str, str] = {
    "running": "bold cyan",
    "stopping": "yellow",
    "stopped": "dim",
    "finished": "green",
    "failed": "bold red",
    "crashed": "bold red",
    "damaged": "bold magenta",
    "waiting": "dim",
    "training": "bold cyan",
    "diverged": "magenta",
}

DARK = Theme(
    name="genre-dark",
    primary="#56B4E9",
    secondary="#009E73",
    accent="#E69F00",
    warning="#F0E442",
    error="#D55E00",
    success="#009E73",
    foreground="#E6E6E6",
    background="#101418",
    surface="#161B21",
    panel="#222A33",
    dark=True,
)
LIGHT = Theme(
    name="genre-light",
    primary="#0072B2",
    secondary="#009E73",
    accent="#B36200",
    warning="#8A6D00",
    error="#B23A00",
    success="#00734F",
    foreground="#1A1A1A",
    background="#FFFFFF",
    surface="#F6F6F4",
    panel="#E6E8EA",
    dark=False,
)
ANSI = "textual-ansi"  # Textual's own, with the terminal's sixteen colours


def theme_for(wish: str = "auto") -> str:
    """The name of the theme for this terminal.

    Args:
        wish: "dark", "light", "ansi", or "auto": light where COLORFGBG says that the
            terminal's background is.
    """
    if wish == "ansi":
        return ANSI
    if wish == "auto":
        background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
        wish = "light" if background in ("7", "15") else "dark"
    return LIGHT.name if wish == "light" else DARK.name
