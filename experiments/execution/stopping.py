"""Stops runs.

A run that is asked to stop (`RunDirectory.ask_to_stop`, a file in its folder) does so cleanly:
each worker looks at the end of every epoch, writes a checkpoint and returns
(`training.cohort_training`), the scheduler starts nothing further, and the run process logs
that the run stopped. SIGTERM makes the run process ask for that itself. `end_now` kills its
processes in the middle of an epoch instead: what was committed is kept.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from data.errors import DataError
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.process_id import ProcessId

RUN_PROCESS: tuple[str, ...] = (sys.executable, "-m", "experiments.execution.run_process")
_PAUSE = 0.05  # seconds between two looks at a lock
_LONGEST_DEATH = 10.0  # seconds for killed processes to end


def end_now(run: RunDirectory) -> None:
    """Kill a run's processes and wait until they have gone; what was committed is kept.

    Raises:
        RunError: they run on another machine, or do not end.
    """
    run.refuse_links()
    holder = lock_holder(run)
    with suppress(DataError):  # where nothing can be written it counts as crashed, not stopped
        run.ask_to_stop()
    if holder is None or not is_alive(run):
        return
    if not holder.is_here:
        raise RunError(
            f"{run.name} is trained by {holder}: end it there. It was asked to stop at the end "
            "of its epoch."
        )
    _require_process_of(run, holder)
    with suppress(ProcessLookupError):
        os.killpg(holder.pid, signal.SIGKILL)  # it leads a session of its own
    if not await_end(run, _LONGEST_DEATH):
        raise RunError(f"{holder} does not end. Look after it with your system's tools.")


def request_stop(run: RunDirectory) -> None:
    """Ask a run's process to stop cleanly, by a signal where the folder cannot be written.

    Raises:
        RunError: the folder cannot be written, and the process is on another machine.
    """
    try:
        run.ask_to_stop()
    except DataError as error:
        holder = lock_holder(run)
        if holder is None or not holder.is_here:
            raise RunError(f"{error} {run.name} is trained by {holder}: stop it there.") from error
        _require_process_of(run, holder)
        with suppress(ProcessLookupError):
            os.kill(holder.pid, signal.SIGTERM)


def _require_process_of(run: RunDirectory, holder: ProcessId) -> None:
    if not _is_process_of(run, holder.pid):
        raise RunError(f"{run.name} names {holder}, which is another program: it was not ended.")


def _is_process_of(run: RunDirectory, pid: int) -> bool:
    """Whether a process was started to train a run: a damaged lock may name any."""
    try:
        arguments = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
    except OSError:
        command = ["ps", "-o", "args=", "-p", str(pid)]
        arguments = os.fsdecode(subprocess.run(command, capture_output=True).stdout).split()
    return RUN_PROCESS[-1] in arguments and str(run.path.absolute()) in arguments


def await_end(run: RunDirectory, seconds: float | None = None) -> bool:
    """Wait until no process trains a run; False where that takes longer than `seconds`."""
    end = None if seconds is None else time.monotonic() + seconds
    while is_alive(run):
        if end is not None and time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True
