"""Searches whose processes are killed at random moments: no finished trial is lost or repeated."""

import random
import time
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="needs the extra search")

from data.storage import hdf5
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.search_options import space_of
from experiments.design.search_settings import Search
from experiments.runs import listing
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.state import state_of
from experiments.search.storage import open_study
from tests.conftest import small_dataset
from tests.scenarios.test_kills import assert_nothing_was_done_twice
from tests.support.faults import STUDY
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of
from tests.support.processes import (
    children_of,
    committed,
    finish,
    go_on,
    kill,
    results_of,
    wait_until,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def begin(fork_server: ForkServer, folder: Path) -> tuple[RunDirectory, Path]:
    """A search that has just begun, and its dataset's file."""
    path = folder / "small.h5"
    if not path.exists():
        hdf5.save(small_dataset(mel=False), path)
    search = Search(space_of(STUDY, epochs=12), trials=7, cohort=3, sampler="tpe")
    request = Request(
        STUDY,
        path,
        StudyOptions("controlled", seeds=1, epochs=12),
        Computing(device="cpu", checkpoint_seconds=0.02),
        search,
    )
    run = listing.create(folder / "runs", STUDY.name)
    run.write_request(request)
    fork_server.start(run.path)
    wait_until(lambda: (run.path / "run.json").exists())
    return run, path


def kill_and_go_on(fork_server: ForkServer, folder: Path, kills: int, seed: int) -> None:
    """Kill a search's owner, or all its processes, at random moments until `kills`."""
    chance = random.Random(seed)
    whole, path = begin(fork_server, folder)
    began = time.monotonic()
    finish(whole)
    length = time.monotonic() - began
    killed = 0
    while killed < kills:
        run, _ = begin(fork_server, folder)
        drawn: set[str] = set()
        finished: set[str] = set()
        while state_of(run, run.read_manifest()).state != "finished":
            time.sleep(chance.uniform(0, 0.5 * length))
            owner = lock_holder(run)
            if owner is not None and is_alive(run):
                targets = [owner.pid] if chance.random() < 0.5 else children_of(owner.pid)
                kill(owner.pid, *targets)
                killed += 1
                wait_until(lambda run=run: not is_alive(run))
            assert drawn <= (drawn := set(run.read_manifest().trials)), "what was drawn stays drawn"
            assert finished <= (finished := set(committed(run))), "what was trained stays trained"
            if state_of(run, run.read_manifest()).state != "finished":
                go_on(fork_server, run, path)
        trials = run.read_manifest().trials
        assert len(trials) == 7
        assert results_of(run).keys() == trials.keys()
        assert_nothing_was_done_twice(run)
        study = open_study(run)
        recorded = {trial.user_attrs["trial"]: trial for trial in study.trials}
        assert len(recorded) == len(study.trials) == 7
        for name, trial in recorded.items():
            assert trial.state.is_finished()
            result = run.read_result(name)
            if trial.value is not None:
                assert result is not None
                assert result.validation is not None
                assert trial.value == result.validation.macro_f1
        assert not list(run.path.rglob(".*.tmp*"))
        assert len(events_of(run, "run_began")) > 1


def test_kills_at_random_moments(fork_server: ForkServer, tmp_path: Path) -> None:
    kill_and_go_on(fork_server, tmp_path, 5, seed=1)


@pytest.mark.slow
def test_many_kills_at_random_moments(fork_server: ForkServer, tmp_path: Path) -> None:
    kill_and_go_on(fork_server, tmp_path, 60, seed=2)
