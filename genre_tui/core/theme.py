"""Colours, marks and glyphs. No meaning is carried by colour alone.

The colours of series are Okabe and Ito's, which colour-blind people can distinguish
("Color Universal Design", 2008).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from rich.text import Text
from textual.theme import Theme

# Of variants, in order; each has a mark of its own.
SERIES = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#0072B2", "#F0E442", "#999999")
MARKS = ("●", "▲", "■", "◆", "▼", "★", "+", "×")

_STATES = {  # of runs and trials: glyph and style
    "running": ("▶", "bold cyan"),
    "stopping": ("◧", "yellow"),
    "stopped": ("■", "dim"),
    "finished": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "crashed": ("!", "bold red"),
    "damaged": ("?", "bold magenta"),
    "waiting": ("·", "dim"),
    "training": ("▶", "bold cyan"),
    "diverged": ("∞", "magenta"),
}
STATE_GLYPH = {state: glyph for state, (glyph, _) in _STATES.items()}
STATE_STYLE = {state: style for state, (_, style) in _STATES.items()}


def state_text(state: str) -> Text:
    """Glyph and name of a run's or trial's state."""
    return Text(f"{STATE_GLYPH[state]} {state}", STATE_STYLE[state])


def append_run(text: Text, is_demo: bool, state: str | None, protocol: str, dataset: str) -> Text:
    """Append what a heading has after a run's name."""
    if is_demo:
        text.append("  ").append("DEMO DATA", "bold reverse")
    if state:
        text.append(f"  {STATE_GLYPH[state]} {state}", STATE_STYLE[state])
    return text.append(f"  {protocol} on {dataset}", "not bold")


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
# Textual's own, with the terminal's sixteen colours, on its own background.
ANSI_DARK, ANSI_LIGHT = "ansi-dark", "ansi-light"


def theme_for(name: str = "auto", environment: Mapping[str, str] = os.environ) -> str:
    """The name of the theme for this terminal.

    "auto" uses the terminal's own colours where it has sixteen at most or NO_COLOR is set, else
    light or dark by the variable COLORFGBG.
    """
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    light = name == "light" or (name != "dark" and background in ("7", "15"))
    few_colours = name == "auto" and has_few_colours(environment)
    if name == "ansi" or few_colours or "NO_COLOR" in environment:
        return ANSI_LIGHT if light else ANSI_DARK
    return LIGHT.name if light else DARK.name


def has_few_colours(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal has sixteen colours at most, by its environment variables."""
    if environment.get("TEXTUAL_COLOR_SYSTEM") in ("256", "truecolor"):  # in a browser
        return False
    if environment.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return False
    kind = environment.get("TERM", "").strip().lower().rpartition("-")[2]
    return kind not in ("256color", "kitty", "direct")
