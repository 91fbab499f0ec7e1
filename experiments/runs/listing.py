"""The folder of all runs: new ones, those that are there, and the one a user means."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from data.files.atomic import writing
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory

LATEST = "latest"


def create(runs: Path, study: str) -> RunDirectory:
    """A new run's directory, empty.

    Raises:
        DataError: the folder cannot be written.
    """
    utc = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = runs / study / f"{utc}-{secrets.token_hex(3)}"
    with writing(path):
        path.mkdir(parents=True)
    return RunDirectory(path)


def all_runs(runs: Path, refused: Callable[[OSError], None] = lambda _: None) -> list[RunDirectory]:
    """All runs below a folder, oldest first.

    Args:
        runs: the folder; there may be none.
        refused: called with the error of each folder that cannot be read, such as of another user.
    """

    def folders(path: str | Path) -> list[str]:
        try:
            with os.scandir(path) as entries:
                return [entry.path for entry in entries if entry.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            refused(error)
            return []

    found = []
    for path in (path for study in folders(runs) for path in folders(study)):
        try:
            os.stat(os.path.join(path, "run.json"))
            found.append(RunDirectory(Path(path)))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            refused(error)
    return sorted(found, key=_age)


def _age(run: RunDirectory) -> tuple[str, int]:
    # Of runs that began in the same second, the file's time decides.
    utc = run.path.name.partition("-")[0]
    try:
        return utc, (run.path / "run.json").stat().st_mtime_ns
    except OSError:
        return utc, 0


def find(runs: Path, name: str) -> RunDirectory:
    """The run that a user means.

    Args:
        runs: the folder of all runs.
        name: a path, a name, the unique beginning of a name or id, or "latest".

    Raises:
        RunError: there is none, or more than one.
    """
    with suppress(OSError):  # a name too long for a path, a folder that cannot be read
        if (Path(name) / "run.json").exists():
            return RunDirectory(Path(name))
    refused: list[OSError] = []
    there = all_runs(runs, refused.append)
    if refused and not there:
        raise RunError(
            f"{refused[0].filename} cannot be read: {refused[0].strerror}. Ask its owner for "
            "access, or name another folder with --runs."
        )
    if not there:
        raise RunError(
            f"there are no runs in {runs.absolute()}. Start one with python -m experiments run "
            "STUDY, or name another folder with --runs."
        )
    if name == LATEST:
        return there[-1]
    matches = [
        run
        for run in there
        if run.name == name
        or run.name.startswith(name)
        or run.path.name.startswith(name)
        or run.path.name.rpartition("-")[2].startswith(name)
    ]
    exact = [run for run in matches if name in (run.name, run.path.name)]
    matches = exact or matches
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise RunError(
            f"there is no run {name!r} in {runs}. The newest is {there[-1].name}; 'latest' names "
            "it, too."
        )
    newest = ", ".join(run.name for run in matches[-3:])
    raise RunError(f"{name!r} could be {len(matches)} runs, the newest of them {newest}: say more.")
