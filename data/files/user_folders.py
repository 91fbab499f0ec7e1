"""The folders of the user's files; an environment variable names another place for each."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """All datasets: GENRE_TUI_DATA, else in the user's data directory."""
    default = Path(platformdirs.user_data_dir("genre-tui", appauthor=False)) / "datasets"
    return _chosen("GENRE_TUI_DATA", default)


def runs_folder() -> Path:
    """All runs: GENRE_TUI_RUNS, else `runs` in the working directory."""
    return _chosen("GENRE_TUI_RUNS", Path("runs"))


def cache_folder() -> Path:
    """What can be computed again: GENRE_TUI_CACHE, else the user's cache directory."""
    return _chosen(
        "GENRE_TUI_CACHE", Path(platformdirs.user_cache_dir("genre-tui", appauthor=False))
    )


def _chosen(variable: str, default: Path) -> Path:
    chosen = os.environ.get(variable)
    # `Path.expanduser` raises for the home of an unknown user.
    return Path(os.path.expanduser(chosen)) if chosen else default
