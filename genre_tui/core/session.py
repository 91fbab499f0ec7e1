"""What the screens share: where runs are, what may be done, what the user has chosen."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from experiments.runs.directory import RunDirectory

DEFAULT_REFRESH = 1.0  # seconds


def where(runs: Path) -> list[str]:
    """What a command line needs to find this folder of runs from here."""
    is_default = runs == Path("runs") and "GENRE_TUI_RUNS" not in os.environ
    return [] if is_default else ["--runs", str(runs)]


@dataclass
class Session:
    """One user's look at a folder of runs.

    Args:
        runs: the folder of all runs.
        data: dataset that new runs are offered for; None means the user's default.
        read_only: nothing is started, stopped or removed.
        refresh: seconds between two looks at what goes on.
        run: that the screens Run, Confusion and Compare are about, or None.
        trial: id of the trial that is looked at, or None.
        marked: names of runs, for Compare and for removal.
    """

    runs: Path
    data: str | None = None
    read_only: bool = False
    refresh: float = DEFAULT_REFRESH
    run: RunDirectory | None = None
    trial: str | None = None
    marked: set[str] = field(default_factory=set)
