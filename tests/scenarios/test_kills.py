"""Processes of a run killed at random moments: nothing is lost, nothing done twice."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.state import state_of
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of
from tests.support.processes import (
    begin,
    children_of,
    committed,
    finish,
    go_on,
    kill,
    results_of,
    wait_until,
)

KINDS = ("owner", "worker", "both")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def assert_nothing_was_done_twice(run: RunDirectory) -> None:
    """No trial trains after the event that tells of its end."""
    ended: set[str] = set()
    for event in events_of(run, "trial", "epoch"):
        if event["event"] == "epoch":
            assert event["trial"] not in ended
        else:
            ended.add(event["trial"])


def kill_and_go_on(
    fork_server: ForkServer, folder: Path, protocol: Any, workers: int, kills: int, seed: int
) -> dict[str, int]:
    """Kill a run's processes at random moments until `kills`; how often which."""
    chance = random.Random(seed)
    whole, path = begin(fork_server, folder, protocol, workers)
    began = time.monotonic()
    finish(whole)
    length = time.monotonic() - began
    expected = results_of(whole)

    counts = dict.fromkeys(KINDS, 0)
    runs = went_on = 0
    while sum(counts.values()) < kills:
        run, _ = begin(fork_server, folder, protocol, workers)
        runs += 1
        done: dict[str, tuple[int, bytes]] = {}
        deaths_of_workers = 0
        while state_of(run, run.read_manifest()).state != "finished":
            time.sleep(chance.uniform(0, 0.5 * length))
            owner = lock_holder(run)
            kind = min(KINDS, key=lambda kind: (counts[kind], chance.random()))
            if kind == "worker" and deaths_of_workers == 2:
                kind = "both"  # a third death on one cohort would train it in halves
            targets = children_of(owner.pid) if owner else []
            if owner is None or not is_alive(run):
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
            if not is_alive(run) and state_of(run, run.read_manifest()).state != "finished":
                go_on(fork_server, run, path)
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
    fork_server: ForkServer, tmp_path: Path, protocol: str, workers: int
) -> None:
    counts = kill_and_go_on(fork_server, tmp_path, protocol, workers, 9, seed=workers)
    assert all(counts.values()), counts


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "workers"), [("documented", 1), ("controlled", 2)])
def test_many_kills_at_random_moments(
    fork_server: ForkServer, tmp_path: Path, protocol: str, workers: int
) -> None:
    kill_and_go_on(fork_server, tmp_path, protocol, workers, 100, seed=10 + workers)
