"""Removes runs, never one that a process trains."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress

from data.files.atomic import writing
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import RunLockedError, hold_run_lock, is_alive, lock_holder


def check_removable(run: RunDirectory) -> None:
    """Refuse a run that must not be removed, before anybody is asked whether to remove it.

    Raises:
        RunLockedError: a process trains it.
        RunError: its folder is a link.
    """
    if run.path.is_symlink():
        raise RunError(
            f"{run.path} is a link to {run.path.resolve()}: remove the run there, or delete the "
            "link yourself."
        )
    if is_alive(run):
        raise RunLockedError(f"{run.name} is being trained by {lock_holder(run)}: stop it first.")


def remove(run: RunDirectory, report: Callable[[str], None] = lambda _: None) -> None:
    """Remove a run with all its files, and its study's folder where it was the last.

    Args:
        run: to remove.
        report: called with a sentence about what this waits for.

    Raises:
        RunLockedError: a process trains it, such as one that was started meanwhile.
        RunError: as `check_removable`.
        DataError: the folder cannot be written.
    """
    check_removable(run)
    with hold_run_lock(run, report), writing(run.path):
        # Without run.json it is no run any more, however far the rest comes.
        (run.path / "run.json").unlink(missing_ok=True)
        shutil.rmtree(run.path)
    with suppress(OSError):
        run.path.parent.rmdir()
