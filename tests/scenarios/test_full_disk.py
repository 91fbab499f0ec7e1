"""No room: a run pauses, says so, and goes on when there is room or a stop is asked for."""

import contextlib
import errno
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError, NoSpaceError
from data.files import atomic
from experiments.runs import checkpoints, disk_space
from experiments.runs.directory import RunDirectory
from experiments.runs.state import snapshot, state_of
from tests.support.faults import STUDY
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of, resume_inline, run_inline
from tests.support.processes import begin, finish, results_of, wait_until

KINDS = ["model.keras", "predictions.h5", "result.json", ".npz"]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for room often, and write checkpoints often."""
    monkeypatch.setattr(disk_space, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(disk_space, "_LOOK", 0.01)
    monkeypatch.setattr(checkpoints, "_MAX_SHARE_OF_TIME", 1e9)


class Full:
    """There is no room for files of a kind, so and so often."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str, times: int) -> None:
        self.kind, self.left, self.hit = kind, times, 0
        self._sync = atomic.sync
        monkeypatch.setattr(atomic, "sync", self)

    def __call__(self, path: Path) -> None:
        of_run = "runs" in path.parts  # and not of the user's cache
        if of_run and self.kind in path.name and path.is_file() and self.left > 0:
            self.left -= 1
            self.hit += 1
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        self._sync(path)


def small_run(folder: Path) -> RunDirectory:
    return run_inline(folder, STUDY, seeds=2, epochs=6, checkpoint_seconds=0.0)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Results of a run that had room all the time."""
    return results_of(small_run(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: dict[str, Any], kind: str
) -> None:
    full = Full(monkeypatch, kind, 3)
    run = small_run(tmp_path / "full")
    assert full.hit == 3
    assert results_of(run) == expected
    reported = [event["event"] for event in events_of(run, "paused", "continued")]
    assert reported == ["paused", "continued"]
    assert kind in events_of(run, "paused")[0]["reason"]
    assert "no space left to write" in events_of(run, "paused")[0]["reason"]
    assert not list(run.path.rglob(".*.tmp*"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_ends_the_pause_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: dict[str, Any], kind: str
) -> None:
    full = Full(monkeypatch, kind, 10**9)
    folder = tmp_path / "full"
    made: list[RunDirectory] = []
    thread = threading.Thread(target=lambda: made.append(small_run(folder)))
    thread.start()
    wait_until(lambda: full.hit > 1)
    (path,) = folder.glob("runs/*/*")
    run = RunDirectory(path)
    seen = snapshot(run)
    assert "no space left" in seen.progress.paused
    before = results_of(run)
    run.ask_to_stop()
    thread.join()
    assert state_of(run, run.read_manifest()).state == "stopped"
    assert results_of(run) == before
    full.left = 0
    resume_inline(run, folder / "small.h5")
    assert state_of(run, run.read_manifest()).state == "finished"
    assert results_of(run) == expected


def test_a_run_that_has_no_room_to_begin_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Full(monkeypatch, "run.json", 1)
    with pytest.raises(NoSpaceError, match="no space left to write"):
        small_run(tmp_path)
    assert full.hit == 1
    assert not list(tmp_path.glob("runs/*/*/run.json"))


def test_a_record_that_cannot_be_written_for_another_reason_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        if "model.keras" in path.name:
            raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(atomic, "sync", refuse)
    with pytest.raises(DataError, match="Input/output error"):
        small_run(tmp_path)
    (path,) = tmp_path.glob("runs/*/*")
    run = RunDirectory(path)
    found = state_of(run, run.read_manifest())
    assert found.state == "failed"
    assert "Input/output error" in found.reason


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    ballast = folder / "ballast"
    ballast.touch()
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert not shutil.disk_usage(folder).free
    return ballast


def epochs_at_rest(run: RunDirectory) -> int:
    """Epochs that are told of, when no more come: a pause gives back what it had kept."""
    before = -1
    while before != (now := len(events_of(run, "epoch"))):
        before = now
        time.sleep(1.0)
    return now


def test_a_real_disk_that_is_full(
    fork_server: ForkServer, tmp_path: Path, small_disk: Path
) -> None:
    whole, _ = begin(fork_server, tmp_path)
    finish(whole)
    run, _ = begin(fork_server, tmp_path, runs=small_disk / "runs", fault="trains_slowly")
    wait_until(lambda: events_of(run, "epoch"))
    ballast = fill(small_disk)
    wait_until(lambda: snapshot(run).progress.paused)
    assert snapshot(run).state.state == "running"
    assert "no space left to write" in snapshot(run).progress.paused
    reported = epochs_at_rest(run)
    assert snapshot(run).state.state == "running"
    assert snapshot(run).progress.paused
    assert reported < len(events_of(whole, "epoch"))
    ballast.unlink()
    finish(run)
    assert results_of(run) == results_of(whole)
    assert "continued" in [event["event"] for event in events_of(run)]


def test_a_real_disk_that_is_full_and_a_stop(
    fork_server: ForkServer, tmp_path: Path, small_disk: Path
) -> None:
    run, path = begin(fork_server, tmp_path, runs=small_disk / "runs", fault="trains_slowly")
    wait_until(lambda: events_of(run, "epoch"))
    ballast = fill(small_disk)
    wait_until(lambda: snapshot(run).progress.paused)
    # An empty file needs a block, too, on some: as with any full disk, make a little room.
    os.truncate(ballast, ballast.stat().st_size - 4096)
    run.ask_to_stop()
    wait_until(lambda: state_of(run, run.read_manifest()).state == "stopped")
    ballast.unlink()
    fork_server.start(run.path, path)
    wait_until(lambda: state_of(run, run.read_manifest()).state == "finished")
