"""The folders of the user's files; an environment variable names another place for each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """All datasets: GENRE_TUI_DATA, else in the user's data directory."""
    return _chosen("GENRE_TUI_DATA") or _default(platformdirs.user_data_dir) / "datasets"


def runs_folder() -> Path:
    """All runs: GENRE_TUI_RUNS, else `runs` in the working directory."""
    return _chosen("GENRE_TUI_RUNS") or Path("runs")


def cache_folder() -> Path:
    """What can be computed again: GENRE_TUI_CACHE, else the user's cache directory."""
    return _chosen("GENRE_TUI_CACHE") or _default(platformdirs.user_cache_dir)


def _chosen(variable: str) -> Path | None:
    chosen = os.environ.get(variable)
    # `Path.expanduser` raises for the home of an unknown user.
    return Path(os.path.expanduser(chosen)) if chosen else None


def _default(folder_of: Callable[..., str]) -> Path:
    """A folder of platformdirs, or one that is never there for a user without a home."""
    try:
        return Path(folder_of("genre-tui", appauthor=False))
    except RuntimeError:  # neither HOME nor an entry in the system's list of users
        return Path(os.devnull) / "genre-tui"
