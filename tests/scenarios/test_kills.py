"""Processes of a run killed at random moments: nothing is lost, nothing done twice."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.design.study import Study, Variant
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.state import state_of
from networks.models.config import FFNConfig, TrainingConfig
from tests.support.faults import STUDY
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
    fork_server: ForkServer,
    folder: Path,
    protocol: Any,
    workers: int,
    kills: int,
    seed: int,
    study: Study = STUDY,
) -> tuple[dict[str, int], float]:
    """Kill a run's processes at random moments until `kills`.

    Returns:
        How often which were killed, and the size of the largest checkpoint in MB.
    """
    chance = random.Random(seed)
    whole, path = begin(fork_server, folder, protocol, workers, study=study)
    began = time.monotonic()
    finish(whole)
    length = time.monotonic() - began
    expected = results_of(whole)

    counts = dict.fromkeys(KINDS, 0)
    runs = went_on = 0
    while sum(counts.values()) < kills:
        run, _ = begin(fork_server, folder, protocol, workers, study=study)
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
    sizes = [event["bytes"] for event in events_of(whole, "checkpoint")]
    largest = max(sizes, default=0) / 1e6
    print(
        f"{runs} runs, killed: {counts}, went on from {went_on} checkpoints, up to {largest:.0f} MB"
    )
    assert went_on, "checkpoints were of use"
    return counts, largest


@pytest.mark.parametrize(("protocol", "workers"), [("documented", 1), ("controlled", 2)])
def test_kills_at_random_moments(
    fork_server: ForkServer, tmp_path: Path, protocol: str, workers: int
) -> None:
    counts, _ = kill_and_go_on(fork_server, tmp_path, protocol, workers, 9, seed=workers)
    assert all(counts.values()), counts


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "workers"), [("documented", 1), ("controlled", 2)])
def test_many_kills_at_random_moments(
    fork_server: ForkServer, tmp_path: Path, protocol: str, workers: int
) -> None:
    kill_and_go_on(fork_server, tmp_path, protocol, workers, 100, seed=10 + workers)


@pytest.mark.slow
def test_kills_with_large_checkpoints(fork_server: ForkServer, tmp_path: Path) -> None:
    """Of over 100 MB, which takes long to write, so that kills meet it."""
    network = FFNConfig(hidden=(2048, 2048))
    training = TrainingConfig("adam", 1e-4, epochs=12)
    study = replace(STUDY, variants=(Variant("large", network, training),))
    _, size = kill_and_go_on(fork_server, tmp_path, "documented", 1, 20, seed=5, study=study)
    assert size > 100
