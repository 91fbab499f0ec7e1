"""Starts and resumes runs: each is a process of its own session.

So it outlives the terminal and the program that started it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from data import import_paths
from data.files.plain import plain_file
from experiments.design.own_code import adopt, require_trusted
from experiments.design.request import BEGUN, Request
from experiments.errors import RunError
from experiments.execution.stopping import RUN_PROCESS
from experiments.runs import listing
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import RunLockedError, is_alive, lock_holder

_LONGEST_ANSWER = 16 * 1024  # bytes


def start(request: Request, runs: Path) -> RunDirectory:
    """Start a run in the folder of all runs; returns when its run.json is there.

    Raises:
        DataError: the folder cannot be written.
        RunError: the run was refused.
    """
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


def _spawn(run: RunDirectory, *arguments: str) -> subprocess.Popen[bytes]:
    os.getcwd()  # raises where it is gone; worker processes begin in it
    try:
        with run.console.open("ab") as console:
            return subprocess.Popen(
                [*RUN_PROCESS, str(run.path), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # for one line, see `_await`
                stderr=console,
                start_new_session=True,
                env=os.environ | import_paths.variables(),
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
