"""Runs in processes of their own, which tests start, kill and compare."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from data.datasets.dataset import Dataset
from data.storage import hdf5
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.study import Study
from experiments.runs import listing
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive
from experiments.runs.state import read_results, state_of
from tests.conftest import small_dataset
from tests.support.faults import STUDY
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of

PATIENCE = 120.0  # seconds, on a busy machine
TIMES = ("seconds", "epoch_seconds")


def begin(
    fork_server: ForkServer,
    folder: Path,
    protocol: Any = "documented",
    workers: int = 1,
    *,
    study: Study = STUDY,
    fault: str = "",
    runs: Path | None = None,
    dataset: Dataset | None = None,
    folds: int | None = None,
) -> tuple[RunDirectory, Path]:
    """A run that has just begun, and its dataset's file."""
    path = folder / "small.h5"
    if not path.exists():
        hdf5.save(dataset or small_dataset(mel=False), path)
    asked = Computing(device="cpu", workers=workers, checkpoint_seconds=0.02)
    request = Request(study, path, StudyOptions(protocol, seeds=3, folds=folds), asked)
    run = listing.create(runs or folder / "runs", study.name)
    run.write_request(request)
    fork_server.start(run.path, fault=fault)
    wait_until(lambda: (run.path / "run.json").exists())
    return run, path


def go_on(fork_server: ForkServer, run: RunDirectory, path: Path, fault: str = "") -> None:
    """Let a run go on; returns when it does."""
    before = len(events_of(run, "run_began"))
    fork_server.start(run.path, path, fault)
    wait_until(lambda: len(events_of(run, "run_began")) > before)


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.005)


def finish(run: RunDirectory) -> None:
    """Wait for a run's end, which must be a good one."""
    wait_until(lambda: not is_alive(run))
    console = run.console.read_text()
    assert state_of(run, run.read_manifest()).state == "finished", console


def results_of(run: RunDirectory) -> dict[str, dict[str, Any]]:
    """Results without times, and predictions, by trial."""
    results = {}
    for trial, result in read_results(run, run.read_manifest()).items():
        if result is None:
            continue
        plain = result.to_dict()
        results[trial] = {name: value for name, value in plain.items() if name not in TIMES}
        if result.test:
            with h5py.File(run.trial_path(trial) / "predictions.h5") as file:
                results[trial]["predictions"] = file["probability"][()].tobytes()
    return results


def committed(run: RunDirectory) -> dict[str, tuple[int, bytes]]:
    """Files of the trials that are done: when they were written and what they hold."""
    there = {}
    for trial, result in read_results(run, run.read_manifest()).items():
        if result is not None:
            path = run.trial_path(trial) / "result.json"
            there[trial] = (path.stat().st_mtime_ns, path.read_bytes())
    return there


def children_of(pid: int) -> list[int]:
    """Pids of a process's children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def kill(*pids: int) -> None:
    """Kill processes that may have ended already."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
