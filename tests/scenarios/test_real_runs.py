"""A run on real data, killed again and again, against one that nobody disturbed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.state import state_of
from tests.conftest import REAL_DATA, needs_real_data
from tests.support.inline_pool import events_of
from tests.support.processes import committed, kill, results_of, wait_until

ROOT = Path(__file__).parents[2]
RUN = (
    *("ffn-baseline", "--data", "source", "--protocol", "controlled"),
    *("--seeds", "2", "--epochs", "150"),
)
CNN = ("pooling-padding", "--data", "gtzan", "--epochs", "2", "--seeds", "1")


def _type(*words: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def _wait_for_run(runs: Path) -> RunDirectory:
    wait_until(lambda: all_runs(runs))
    return all_runs(runs)[-1]


def _kill_all(run: RunDirectory) -> None:
    """End the owner and its workers as the kernel or a power cut would."""
    owner = lock_holder(run)
    assert owner is not None
    os.killpg(owner.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(run))


def _states(run: RunDirectory) -> tuple[str, int, int]:
    found = state_of(run, run.read_manifest())
    done = sum(result is not None for result in found.results.values())
    return found.state, done, len(found.results)


def _interrupted(
    runs: Path, command: tuple[str, ...], moments: list[Callable[[RunDirectory], Any]]
) -> RunDirectory:
    """A run that is killed at each of some moments, and resumed."""
    _type("experiments", "run", *command, "--checkpoint-seconds", "1", "--detach", "--runs", runs)
    run = _wait_for_run(runs)
    before: dict[str, tuple[int, bytes]] = {}
    for moment in moments:
        wait_until(lambda moment=moment: moment(run) or not is_alive(run))
        assert is_alive(run), "it ended before the moment came"
        _kill_all(run)
        state, done, trials = _states(run)
        print(f"killed with {done} of {trials} trials done: {state}")
        assert state == "crashed"
        now = committed(run)
        assert before.keys() <= now.keys()
        before = now
        _type("experiments", "resume", run.path, "--detach", "--runs", runs)
    wait_until(lambda: not is_alive(run))
    assert _states(run)[0] == "finished"
    return run


@needs_real_data
@pytest.mark.slow
def test_a_run_killed_three_times_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """Two variants at four learning rates with two seeds, then the selected are tested."""
    _type("data", "import", REAL_DATA / "music_genre_data", "--name", "source")
    _type("experiments", "run", *RUN, "--runs", tmp_path / "whole")
    whole = _wait_for_run(tmp_path / "whole")
    chance = random.Random(3)

    def at_the_beginning(run: RunDirectory) -> bool:
        return len(events_of(run, "epoch")) > 16

    def after_a_checkpoint(run: RunDirectory) -> bool:
        time.sleep(chance.uniform(0, 0.2))
        return len(events_of(run, "checkpoint")) >= 2

    def while_results_are_written(run: RunDirectory) -> bool:
        return bool(events_of(run, "trial"))

    run = _interrupted(
        tmp_path / "killed", RUN, [at_the_beginning, after_a_checkpoint, while_results_are_written]
    )
    ours, theirs = results_of(run), results_of(whole)
    assert len(theirs) >= 10
    assert ours == theirs
    assert max(event["epoch"] for event in events_of(run, "cohort_began")) > 0
    print(f"{len(ours)} results, equal but for times")


@needs_real_data
@pytest.mark.slow
def test_a_worker_killed_while_a_cnn_trains(tmp_path: Path) -> None:
    """A larger network: the worker goes, the owner stays, and the figures are the same."""
    _type("data", "build", REAL_DATA / "gtzan_excerpt", "--name", "gtzan")
    _type("experiments", "run", *CNN, "--runs", tmp_path / "whole")
    whole = _wait_for_run(tmp_path / "whole")
    _type("experiments", "run", *CNN, "--checkpoint-seconds", "1", "--detach", "--runs", tmp_path)
    run = _wait_for_run(tmp_path)
    wait_until(lambda: len(events_of(run, "checkpoint")) >= 1, 600)
    kill(events_of(run, "cohort_began")[-1]["pid"])
    wait_until(lambda: not is_alive(run), 900)
    assert len(events_of(run, "worker_died")) == 1
    assert results_of(run) == results_of(whole)
