"""State that all screens share: folders, permissions, the open run, marked runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from data.files.user_folders import runs_folder
from experiments.runs.directory import RunDirectory

DEFAULT_REFRESH = 1.0  # seconds


def runs_option(runs: Path) -> list[str]:
    """The option that makes a command use this folder of runs; empty where it is the default."""
    return [] if runs == runs_folder() == Path("runs") else ["--runs", str(runs)]


@dataclass
class AppSession:
    """One user's session with a folder of runs.

    Args:
        data: preselected dataset of new runs; None means the user's default.
        read_only: whether starting, stopping and removing runs is refused.
        refresh: seconds between two reads of the runs' folders.
        run: the open run, which the screens Run, Confusion and Compare show.
        trial: id of the selected trial.
        marked: names of marked runs, for Compare and for removal.
    """

    runs: Path
    data: str | None = None
    read_only: bool = False
    refresh: float = DEFAULT_REFRESH
    run: RunDirectory | None = None
    trial: str | None = None
    marked: set[str] = field(default_factory=set)
