"""Starts, resumes and ends runs: each is a process of its own session.

So it outlives the terminal and the program that started it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from data.errors import DataError
from data.files.plain import plain_file
from experiments.design.own_code import adopt, require_trusted
from experiments.design.request import BEGUN, Request
from experiments.errors import RunError
from experiments.runs import listing
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import RunLockedError, is_alive, lock_holder
from experiments.runs.process_id import ProcessId
from networks.errors import ConfigError
from networks.training.backend import require_torch

RUN_PROCESS: tuple[str, ...] = (sys.executable, "-m", "experiments.execution.run_process")

_PAUSE = 0.05  # seconds between two looks at a lock
_LONGEST_DEATH = 10.0  # seconds for killed processes to end
_LONGEST_ANSWER = 16 * 1024  # bytes


def start(request: Request, runs: Path) -> RunDirectory:
    """Start a run in the folder of all runs; returns when its run.json is there.

    Raises:
        DataError: the folder cannot be written.
        RunError: the run was refused.
    """
    _require_torch()
    run = RunDirectory(listing.create(runs, request.study.name).path.absolute())
    process: subprocess.Popen[bytes] | None = None
    try:
        request = replace(request, study=adopt(request.study, run.path / "own_code"))
        run.write_request(replace(request, dataset=request.dataset.absolute()))
        process = _spawn(run)
        _await(process, run)
    except BaseException:  # Ctrl-C, too: nothing has begun
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(run.path, ignore_errors=True)
        with suppress(OSError):
            run.path.parent.rmdir()
        raise
    _reap(process)
    return run


def resume(run: RunDirectory, dataset: Path | None = None) -> None:
    """Resume a run; returns when its process has begun to train.

    Args:
        run: that no process trains.
        dataset: its file; None finds it among the user's datasets by its content hash.

    Raises:
        RunLockedError: a process trains it.
        DataError: the folder cannot be written.
        RunError: the run was refused.
    """
    from data.storage.catalogue import find_dataset  # takes NumPy and h5py

    _require_torch()
    run.refuse_links()
    manifest = run.read_manifest()
    about = manifest.dataset
    for trial in manifest.trials.values():
        require_trusted(trial.network)
    if is_alive(run):
        raise RunLockedError(f"{run.name} is being trained already, by {lock_holder(run)}.")
    found = (dataset or find_dataset(about.name, about.content_sha256)).absolute()
    process = _spawn(RunDirectory(run.path.absolute()), str(found))
    _await(process, run)
    _reap(process)


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
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        command = ["ps", "-o", "args=", "-p", str(pid)]
        arguments = subprocess.run(command, capture_output=True, text=True).stdout.split()
    return RUN_PROCESS[-1] in arguments and str(run.path.absolute()) in arguments


def await_end(run: RunDirectory, seconds: float | None = None) -> bool:
    """Wait until no process trains a run; False where that takes longer than `seconds`."""
    end = None if seconds is None else time.monotonic() + seconds
    while is_alive(run):
        if end is not None and time.monotonic() > end:
            return False
        time.sleep(_PAUSE)
    return True


def _require_torch() -> None:
    try:
        require_torch()
    except ConfigError as error:
        raise RunError(str(error)) from error


def _import_paths() -> dict[str, str]:
    """Variables that let a process import what this one can, whatever is in its folder."""
    paths = [os.path.abspath(path) for path in sys.path if path]
    return {"PYTHONPATH": os.pathsep.join(paths), "PYTHONSAFEPATH": "1"}


def _spawn(run: RunDirectory, *arguments: str) -> subprocess.Popen[bytes]:
    try:
        with run.console.open("ab") as console:
            return subprocess.Popen(
                [*RUN_PROCESS, str(run.path), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # for one line, see `_await`
                stderr=console,
                start_new_session=True,
                env=os.environ | _import_paths(),
            )
    except OSError as error:
        raise RunError(f"{run.path} cannot be used: {error.strerror}.") from error


def _await(process: subprocess.Popen[bytes], run: RunDirectory) -> None:
    """Wait until a process has begun to train a run.

    Raises:
        RunError: it has refused, or died.
    """
    assert process.stdout is not None
    with process.stdout as answers:
        answer = answers.readline(_LONGEST_ANSWER).decode(errors="replace").strip()
    if answer == BEGUN:
        return
    code = process.wait()
    if answer:
        raise RunError(answer)
    raise RunError(
        f"the process of {run.name} ended before it began (exit status {code}){_last_line(run)}"
    )


def _last_line(run: RunDirectory) -> str:
    with suppress(OSError), open(run.console, "rb", opener=plain_file) as file:
        file.seek(max(0, file.seek(0, 2) - _LONGEST_ANSWER))
        lines = file.read().decode(errors="replace").split("\n")
        printed = [line.strip() for line in lines if line.strip()]
        if printed:
            return f", after printing: {printed[-1]}"
    return " and printed nothing."


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process's end in a thread, so that it leaves no zombie."""
    threading.Thread(target=process.wait, daemon=True).start()
