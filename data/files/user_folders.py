"""Folders of the user that hold what programs make for themselves."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Where to keep what can be computed again: GENRE_TUI_CACHE, else the user's cache."""
    chosen = os.environ.get("GENRE_TUI_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))  # Path's own fails for users that are unknown
    return Path(platformdirs.user_cache_dir("genre-tui", appauthor=False))
