"""Processes of a run killed at random moments: nothing is lost, nothing done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

from data import store
from experiments import records
from experiments.ownership import is_alive, owner_of
from experiments.records import RunDirectory
from experiments.request import Computing, Request
from experiments.state import read_results, state_of
from tests.conftest import small_dataset
from tests.fault_study import STUDY
from tests.inline import events_of
from tests.zygote import Zygote

PATIENCE = 120.0  # seconds, on a busy machine
KINDS = ("owner", "worker", "both")
TIMES = ("seconds", "epoch_seconds")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as made:
        yield made


def begin(zygote: Zygote, folder: Path, protocol: Any, workers: int) -> tuple[RunDirectory, Path]:
    """A run that has just begun, and its dataset's file."""
    path = folder / "small.h5"
    if not path.exists():
        store.save(small_dataset(mel=False), path)
    asked = Computing(device="cpu", workers=workers, checkpoint_seconds=0.02)
    request = Request(STUDY.name, path, protocol, 3, None, asked)
    run = records.create(folder / "runs", STUDY.name)
    zygote.start(run.path, json.dumps(request.to_dict()))
    wait_until(lambda: (run.path / "run.json").exists())
    return run, path


def wait_until(condition: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.005)


def finish(run: RunDirectory) -> None:
    wait_until(lambda: not is_alive(run))
    console = run.console.read_text()
    assert state_of(run, run.read_run()).state == "finished", console


def results_of(run: RunDirectory) -> dict[str, dict[str, Any]]:
    """Results without times, and predictions, by trial."""
    results = {}
    for trial, result in read_results(run, run.read_run()).items():
        if result is None:
            continue
        results[trial] = {name: value for name, value in result.items() if name not in TIMES}
        if result["test"]:
            with h5py.File(run.trial_path(trial) / "predictions.h5") as file:
                results[trial]["predictions"] = file["probability"][()].tobytes()
    return results


def committed(run: RunDirectory) -> dict[str, tuple[int, bytes]]:
    """Files of the trials that are done: when they were written and what they hold."""
    there = {}
    for trial, result in read_results(run, run.read_run()).items():
        if result is not None:
            path = run.trial_path(trial) / "result.json"
            there[trial] = (path.stat().st_mtime_ns, path.read_bytes())
    return there


def children_of(pid: int) -> list[int]:
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
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def assert_nothing_was_done_twice(run: RunDirectory) -> None:
    """No trial trains after the event that tells of its end."""
    ended: set[str] = set()
    for event in events_of(run, "trial", "epoch"):
        if event["event"] == "epoch":
            assert event["trial"] not in ended
        else:
            ended.add(event["trial"])


def kill_and_go_on(
    zygote: Zygote, folder: Path, protocol: Any, workers: int, kills: int, seed: int
) -> dict[str, int]:
    """Kill a run's processes at random moments until `kills`; how often which."""
    chance = random.Random(seed)
    whole, path = begin(zygote, folder, protocol, workers)
    began = time.monotonic()
    finish(whole)
    length = time.monotonic() - began
    expected = results_of(whole)

    counts = dict.fromkeys(KINDS, 0)
    runs = went_on = 0
    while sum(counts.values()) < kills:
        run, _ = begin(zygote, folder, protocol, workers)
        runs += 1
        done: dict[str, tuple[int, bytes]] = {}
        deaths_of_workers = 0
        while state_of(run, run.read_run()).state != "finished":
            time.sleep(chance.uniform(0, 0.5 * length))
            owner = owner_of(run)
            assert owner is not None
            kind = chance.choice(KINDS)
            if kind == "worker" and deaths_of_workers == 2:
                kind = "both"  # a third death on one cohort would train it in halves
            targets = children_of(owner.pid)
            if not is_alive(run):
                kind = "none"
            elif kind == "owner":
                kill(owner.pid)
            elif kind == "worker":
                deaths_of_workers += bool(targets)
                kind = "worker" if targets else "none"
                kill(*chance.sample(targets, min(1, len(targets))))
            else:
                kill(*chance.sample([owner.pid, *targets], 1 + len(targets)))
            if kind != "none":
                counts[kind] += 1
            if kind in ("owner", "both"):
                wait_until(lambda run=run: not is_alive(run))
            now = committed(run)
            for trial, file in done.items():
                if protocol == "documented":
                    assert now[trial] == file, "a result that was there is there as it was"
                else:
                    assert trial in now
            done = now
            if not is_alive(run) and state_of(run, run.read_run()).state != "finished":
                before = events_of(run, "run_began")
                zygote.start(run.path, str(path))
                wait_until(
                    lambda run=run, before=before: len(events_of(run, "run_began")) > len(before)
                )
                deaths_of_workers = 0
        assert results_of(run) == expected
        assert_nothing_was_done_twice(run)
        for file in run.path.rglob(".*.tmp*"):
            raise AssertionError(f"{file} was left behind")
        went_on += sum(event["epoch"] > 0 for event in events_of(run, "cohort_began"))
    print(f"{runs} runs, killed: {counts}, went on from {went_on} checkpoints")
    assert went_on, "checkpoints were of use"
    return counts


@pytest.mark.parametrize(("protocol", "workers"), [("documented", 1), ("controlled", 2)])
def test_kills_at_random_moments(
    zygote: Zygote, tmp_path: Path, protocol: str, workers: int
) -> None:
    counts = kill_and_go_on(zygote, tmp_path, protocol, workers, 16, seed=workers)
    assert all(counts.values()), counts


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "workers"), [("documented", 1), ("controlled", 2)])
def test_many_kills_at_random_moments(
    zygote: Zygote, tmp_path: Path, protocol: str, workers: int
) -> None:
    kill_and_go_on(zygote, tmp_path, protocol, workers, 100, seed=10 + workers)
