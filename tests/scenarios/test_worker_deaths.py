"""Workers that die or run out of memory, in real processes."""

from dataclasses import replace
from pathlib import Path

from experiments.runs.directory import RunDirectory
from experiments.runs.state import read_results, snapshot
from experiments.runs.trial_result import TrialResult
from tests.support.faults import CULPRIT, STUDY
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of
from tests.support.processes import begin, finish, go_on, kill, wait_until

# Two cohorts of three trials each.
SMALL = replace(STUDY, variants=(STUDY.variants[0], STUDY.variants[3]))


def by_seed(run: RunDirectory, culprit: bool) -> list[TrialResult]:
    results = read_results(run, run.read_manifest()).values()
    return [r for r in results if r is not None and (r.seed == CULPRIT) == culprit]


def test_a_trial_that_always_kills_its_worker(fork_server: ForkServer, tmp_path: Path) -> None:
    run, _ = begin(fork_server, tmp_path, study=SMALL, fault="kills_its_worker")
    finish(run)
    assert {r.status for r in by_seed(run, culprit=False)} == {"finished", "diverged"}
    assert len(by_seed(run, culprit=False)) == 4
    failed = by_seed(run, culprit=True)
    assert len(failed) == 2
    assert {r.reason for r in failed} == {"its worker process died 3 times, at last by SIGKILL"}
    seen = snapshot(run).to_dict()
    assert seen["failed"] == 2
    assert seen["worker_deaths"] == len(events_of(run, "worker_died")) > 4
    assert "SIGKILL" in seen["notes"][-1]


def test_a_trial_without_enough_memory_fails_alone(fork_server: ForkServer, tmp_path: Path) -> None:
    run, _ = begin(fork_server, tmp_path, study=SMALL, fault="takes_too_much_memory")
    finish(run)
    assert not events_of(run, "worker_died")
    failed = by_seed(run, culprit=True)
    assert {r.status for r in failed} == {"failed"}
    assert all("memory" in r.reason for r in failed)
    assert len(by_seed(run, culprit=False)) == 4


def test_a_culprit_is_not_asked_again_after_a_resume(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    """A run that is killed while it looks for the culprit keeps what it has found."""
    run, path = begin(fork_server, tmp_path, study=SMALL, fault="kills_its_worker")
    wait_until(lambda: len(events_of(run, "worker_died")) >= 4)
    kill(events_of(run, "run_began")[-1]["owner"]["pid"])
    splits = {p: p.read_bytes() for p in run.path.glob("cohorts/*/split.json")}
    assert splits
    go_on(fork_server, run, path, fault="kills_its_worker")
    finish(run)
    for split, content in splits.items():
        assert split.read_bytes() == content
    assert len(by_seed(run, culprit=False)) == 4
    assert {r.status for r in by_seed(run, culprit=True)} == {"failed"}
