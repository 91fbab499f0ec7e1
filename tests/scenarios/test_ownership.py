"""A run is written and removed by whoever holds it, whatever happens to its folder or lock."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from data.errors import NoSpaceError
from experiments.cli.main import main
from experiments.errors import RunError
from experiments.execution import stopping
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import hold_run_lock, is_alive, lock_holder
from experiments.runs.process_id import ProcessId
from experiments.runs.removal import remove
from experiments.runs.state import state_of
from tests.conftest import record_run
from tests.support.fork_server import ForkServer
from tests.support.inline_pool import events_of
from tests.support.processes import (
    begin,
    children_of,
    committed,
    finish,
    go_on,
    wait_until,
)
from tests.support.pty_terminal import Terminal

ELSEWHERE = replace(ProcessId.me(), host="gpu7", machine="another boot pid:[1]", pid=77)


@pytest.fixture
def training(fork_server: ForkServer, tmp_path: Path) -> tuple[RunDirectory, Path]:
    """A run that has just begun to train, and its dataset's file."""
    run, path = begin(fork_server, tmp_path, fault="trains_slowly")
    wait_until(lambda: events_of(run, "epoch"))
    return run, path


def test_a_run_that_is_resumed_while_removing_it_is_asked_for_is_kept(tmp_path: Path) -> None:
    run = record_run(tmp_path / "runs")
    with Terminal("experiments", "remove", "latest", "--runs", str(tmp_path / "runs")) as terminal:
        terminal.wait_for("[y/N]")
        with hold_run_lock(run, print):
            terminal.type("y\r")
            assert terminal.wait_end() == 2
        assert b"is being trained by" in terminal.seen
    assert (run.path / "run.json").exists()
    assert CliRunner().invoke(main, ["remove", str(run.path), "--yes"]).exit_code == 0
    assert not run.path.parent.exists()


def test_a_run_of_another_machine_is_removed_only_after_its_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock there is wrong by 45 s, and locks do not reach here: its heartbeats do."""
    run = record_run(tmp_path)
    path = run.path / "lock"
    path.write_bytes(checksums.dumps(asdict(ELSEWHERE)))
    old = path.stat().st_mtime - 45
    os.utime(path, (old, old))
    ended = threading.Event()

    def beat() -> None:
        now = old
        while not ended.wait(0.1):
            now += 0.1
            os.utime(path, (now, now))

    monkeypatch.setattr("experiments.runs.removal.hold_run_lock", _impatient)
    heart = threading.Thread(target=beat)
    heart.start()
    said: list[str] = []
    with pytest.raises(RunError, match=r"is being trained by process 77 on gpu7"):
        remove(run, said.append)
    ended.set()
    heart.join()
    assert said == [f"the run was trained by {ELSEWHERE}: waiting 1 s for its heartbeat"]
    assert (run.path / "run.json").exists()
    remove(run)
    assert not run.path.exists()


@contextlib.contextmanager
def _impatient(run: RunDirectory, report: object) -> Iterator[ProcessId]:
    with hold_run_lock(run, report, silence=1.0) as me:  # type: ignore[arg-type]
        yield me


def test_a_run_whose_process_is_paused_is_not_removed(training: tuple[RunDirectory, Path]) -> None:
    run, _ = training
    owner = lock_holder(run)
    assert owner is not None
    os.killpg(owner.pid, signal.SIGSTOP)
    try:
        # As another container sees it, where pids are others and the heartbeat is old.
        there = replace(owner, machine="another boot pid:[1]")
        (run.path / "lock").write_bytes(checksums.dumps(asdict(there)))
        os.utime(run.path / "lock", (1e9, 1e9))
        done = CliRunner().invoke(main, ["remove", str(run.path), "--yes"])
        assert done.exit_code == 2
        assert "is being trained by" in done.stderr
        (run.path / "lock").write_bytes(checksums.dumps(asdict(owner)))
    finally:
        os.killpg(owner.pid, signal.SIGCONT)
    assert (run.path / "run.json").exists()
    run.ask_to_stop()
    wait_until(lambda: not is_alive(run))


@pytest.mark.parametrize("name", ["lock", "workers.lock"])
def test_a_pipe_in_the_place_of_a_lock_is_not_waited_for(tmp_path: Path, name: str) -> None:
    run = record_run(tmp_path)
    (run.path / name).unlink(missing_ok=True)
    os.mkfifo(run.path / name)
    command = sys.executable, "-m", "experiments", "remove", str(run.path), "--yes"
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (2 if name == "lock" else 0, False)


def test_a_link_to_a_run_is_not_removed_half(tmp_path: Path) -> None:
    run = record_run(tmp_path / "elsewhere")
    link = tmp_path / "runs" / "study" / run.path.name
    link.parent.mkdir(parents=True)
    link.symlink_to(run.path)
    done = CliRunner().invoke(main, ["remove", str(link), "--yes"])
    assert done.exit_code == 2
    assert f"{link} is a link to {run.path}: remove the run there" in done.stderr
    assert link.is_symlink()
    assert (run.path / "run.json").exists()
    (run.path / "trials" / "link").symlink_to(tmp_path / "elsewhere")
    remove(run)  # links in it go, what they name stays
    assert not run.path.exists()


def test_a_run_that_is_moved_ends_there_and_can_be_resumed(
    training: tuple[RunDirectory, Path], fork_server: ForkServer, tmp_path: Path
) -> None:
    run, path = training
    moved = RunDirectory(tmp_path / "moved" / run.path.relative_to(tmp_path / "runs"))
    (tmp_path / "runs").rename(tmp_path / "moved")
    wait_until(lambda: not is_alive(moved))
    assert not (tmp_path / "runs").exists(), "it is not made again"
    state = state_of(moved, moved.read_manifest())
    assert state.state == "failed"
    assert state.reason.startswith(f"the folder {run.path} was moved or removed")
    go_on(fork_server, moved, path)
    finish(moved)


def test_a_paused_process_ends_if_the_run_was_resumed_elsewhere(
    training: tuple[RunDirectory, Path],
) -> None:
    run, _ = training
    owner = lock_holder(run)
    assert owner is not None
    os.killpg(owner.pid, signal.SIGSTOP)
    (run.path / "lock").write_bytes(checksums.dumps(asdict(ELSEWHERE)))  # from where locks ...
    before, events = committed(run), events_of(run)  # ... do not reach
    os.killpg(owner.pid, signal.SIGCONT)
    wait_until(lambda: not owner.is_running)
    assert lock_holder(run) == ELSEWHERE
    assert committed(run) == before
    assert "run_ended" not in [event["event"] for event in events_of(run)[len(events) :]]
    said = run.console.read_text()
    assert f"was resumed by {ELSEWHERE}, so this process, {owner}, has ended." in said
    assert not children_of(owner.pid)


@pytest.mark.parametrize("how", ["stop", "now", "signal"])
def test_a_run_is_stopped_where_nothing_can_be_written(
    training: tuple[RunDirectory, Path], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Not even the name of a file, as in a folder that was made read-only meanwhile."""
    run, _ = training
    owner = lock_holder(run)
    assert owner is not None

    def full(run: RunDirectory) -> None:
        raise NoSpaceError("no space left to write control/stop.")

    monkeypatch.setattr(RunDirectory, "ask_to_stop", full)
    monkeypatch.setattr(stopping, "_is_process_of", lambda *_: True)  # it was forked, not spawned
    (run.path / "control" / "running").unlink()
    (run.path / "control").rmdir()
    (run.path / "control").write_text("no folder: nothing can be written in it")
    if how == "signal":
        os.kill(owner.pid, signal.SIGTERM)
    elif how == "stop":
        stopping.request_stop(run)
    else:
        stopping.end_now(run)
    wait_until(lambda: not is_alive(run))
    wait_until(lambda: not children_of(owner.pid))
    (run.path / "control").unlink()
    assert state_of(run, run.read_manifest()).state == "crashed"
