"""`run`, `watch`, `stop` and `resume` as a user types them, on terminals and without."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.storage import catalogue
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from experiments.runs.lock import is_alive
from experiments.runs.state import state_of
from tests.conftest import small_dataset
from tests.support.inline_pool import events_of
from tests.support.processes import wait_until
from tests.support.pty_terminal import Terminal

ROOT = Path(__file__).parents[2]
ENDLESS = ("run", "ffn-baseline", "--data", "small", "--epochs", "100000", "--device", "cpu")


@pytest.fixture
def runs(own_places: Path) -> Iterator[Path]:
    catalogue.add(small_dataset(mel=False), replace=False)
    folder = own_places / "runs"
    yield folder
    for run in all_runs(folder):  # a test that failed leaves none behind
        if is_alive(run):
            _type("stop", run.path, "--now")


def _type(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )


def _only(runs: Path) -> RunDirectory:
    (run,) = all_runs(runs)
    return run


def _trains(runs: Path) -> bool:
    return bool(all_runs(runs)) and bool(events_of(_only(runs), "epoch"))


def _state(run: RunDirectory) -> str:
    return state_of(run, run.read_manifest()).state


def test_detached_watched_stopped_resumed_removed(runs: Path) -> None:
    detached = _type(*ENDLESS, "--detach")
    assert detached.returncode == 0, detached.stderr
    run = _only(runs)
    assert run.path.name in detached.stdout
    wait_until(lambda: _trains(runs))
    wait_until(lambda: events_of(run, "epoch")[-1]["seconds_left"] is not None)

    seen = json.loads(_type("watch", "--once", "--json").stdout)
    assert (seen["state"], seen["trials"], seen["training"]) == ("running", 1, 1)
    assert seen["in_training"][0]["epoch"] >= 1
    assert seen["seconds_left"] > 0
    assert seen["owner"]["pid"] != os.getpid()
    shown = _type("watch", "latest", "--once").stdout
    assert "running" in shown
    assert "last-epoch" in shown
    assert "running" in _type("runs").stdout
    for refused in (["resume", "latest"], ["remove", "latest", "--yes"]):
        done = _type(*refused)
        assert done.returncode == 2
        assert "being trained" in done.stderr

    # It leads a session of its own, with no terminal.
    owner = seen["owner"]["pid"]
    assert os.getsid(owner) == owner
    assert (run.path / "console.log").exists()

    stopped = _type("stop", run.path.name)
    assert stopped.returncode == 0, stopped.stderr
    assert "stopped" in stopped.stdout
    assert _state(run) == "stopped"
    before = events_of(run, "epoch")[-1]["epoch"]
    again = _type("stop", "latest")
    assert again.returncode == 2
    assert "no process trains it" in again.stderr

    resumed = _type("resume", "latest", "--detach", "--json")
    assert json.loads(resumed.stdout) == {"run": str(run.path), "state": "running"}
    assert _state(run) == "running"
    wait_until(lambda: events_of(run, "epoch")[-1]["epoch"] > before)
    assert events_of(run, "cohort_began")[-1]["epoch"] == before, "where it was stopped"
    now = _type("stop", "latest", "--now")
    assert now.returncode == 0, now.stderr
    assert _state(run) == "stopped"

    listed = json.loads(_type("runs", "--json").stdout)
    assert [(one["state"], one["trials"], one["done"]) for one in listed] == [("stopped", 1, 0)]
    refused_without_terminal = _type("remove", "latest")
    assert refused_without_terminal.returncode == 1
    assert run.path.exists()
    assert _type("remove", "latest", "--yes").returncode == 0
    assert not run.path.exists()
    assert "There are no runs" in _type("runs").stdout


def test_the_terminal_closes_and_the_run_goes_on(runs: Path) -> None:
    with Terminal("experiments", *ENDLESS) as terminal:
        terminal.wait_for("epoch")
        wait_until(lambda: _trains(runs))
        run = _only(runs)
        terminal.close()  # the kernel sends SIGHUP
        assert terminal.process.wait(60) == -signal.SIGHUP
        epoch = events_of(run, "epoch")[-1]["epoch"]
        wait_until(lambda: events_of(run, "epoch")[-1]["epoch"] > epoch)
        assert _state(run) == "running"
    with Terminal("experiments", "watch") as terminal:
        terminal.wait_for("macro-F1")
        terminal.type("\x03")
        assert terminal.wait_end() == 130
        assert b"watching changes nothing" in terminal.seen
    assert is_alive(run)
    with Terminal("experiments", "watch", term="dumb") as terminal:
        terminal.wait_for("epochs")
        assert b"\x1b" not in terminal.seen
        assert _type("stop", "latest").returncode == 0
        assert terminal.wait_end() == 0
        assert b"stopped" in terminal.seen


def test_ctrl_c_asks(runs: Path) -> None:
    with Terminal("experiments", *ENDLESS) as terminal:
        terminal.wait_for("trials ended")
        wait_until(lambda: _trains(runs))
        terminal.type("\x03")
        terminal.wait_for("Ctrl-C again ends it at once.")
        terminal.type("w\n")
        terminal.wait_for("trials ended")
        assert _state(_only(runs)) == "running"
        terminal.type("\x03")
        terminal.wait_for("Ctrl-C again ends it at once.")
        terminal.type("d\n")
        assert terminal.wait_end() == 0
        assert b"goes on" in terminal.seen
    assert _state(_only(runs)) == "running"
    _type("stop", "latest")
    with Terminal("experiments", "resume", "latest") as terminal:
        terminal.wait_for("trials ended")
        terminal.type("\x03")
        terminal.wait_for("Ctrl-C again ends it at once.")
        terminal.type("s\n")
        assert terminal.wait_end() == 130
        assert b"Stopped: what is done is kept" in terminal.seen
    assert _state(_only(runs)) == "stopped"
    with Terminal("experiments", "resume", "latest") as terminal:
        terminal.wait_for("trials ended")
        terminal.type("\x03")
        terminal.wait_for("Ctrl-C again ends it at once.")
        terminal.type("\x03")
        assert terminal.wait_end() == 130
    assert _state(_only(runs)) == "stopped"


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_where_nobody_can_be_asked_it_stops_cleanly(runs: Path, asked: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", *ENDLESS],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        wait_until(lambda: _trains(runs))
        time.sleep(0.5)  # until it follows, too
        process.send_signal(asked)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Stopping; Ctrl-C again ends it at once." in errors
    assert _state(_only(runs)) == "stopped"
    assert events_of(_only(runs))[-1]["how"] == "stopped"


def test_a_crash_is_told_with_what_to_do(runs: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", *ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        wait_until(lambda: _trains(runs))
        os.kill(events_of(_only(runs), "run_began")[0]["owner"]["pid"], signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    last = errors.splitlines()[-1]
    assert last.startswith("Error: the process of")
    assert f"resume {_only(runs).path.name}" in last
    assert _state(_only(runs)) == "crashed"


def test_the_exit_status_says_whether_anything_was_trained(runs: Path, tmp_path: Path) -> None:
    words = ("run", "ffn-baseline", "--data", "small", "--epochs", "3", "--seeds", "1")
    wild = _type(*words, "--vary", "training.learning_rate=1e30")
    assert wild.returncode == 1, wild.stderr
    assert "diverged" in wild.stdout
    assert "has finished, so there is no result." in wild.stderr
    some = _type(*words, "--vary", "training.learning_rate=0.01,1e30")
    assert some.returncode == 0, some.stderr


def test_watch_as_json_prints_every_event(runs: Path) -> None:
    done = _type("run", "ffn-baseline", "--data", "small", "--epochs", "2", "--seeds", "2")
    assert done.returncode == 0, done.stderr
    events: list[dict[str, Any]] = [
        json.loads(line) for line in _type("watch", "--json").stdout.splitlines()
    ]
    assert events == events_of(_only(runs))
    kinds = [event["event"] for event in events]
    assert kinds[0] == "run_began"
    assert kinds[-1] == "run_ended"
    assert kinds.count("epoch") == 4
    epoch = next(event for event in events if event["event"] == "epoch")
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate"} <= (
        epoch["logs"].keys()
    )
    assert sum(map(sum, epoch["confusion"])) == 24
    assert epoch["rows_per_second"] > 0
    assert epoch["memory"] > 10**8


def test_a_process_that_cannot_begin_says_why(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.design.request import Request
    from experiments.errors import RunError
    from experiments.execution import launch
    from experiments.studies import STUDIES

    path = catalogue.path_of("small")
    script = "import sys; sys.stderr.write('ImportError: no torch here\\n'); sys.exit(3)"
    monkeypatch.setattr(launch, "RUN_PROCESS", (sys.executable, "-c", script))
    with pytest.raises(
        RunError, match=r"exit status 3\), after printing: ImportError: no torch here"
    ):
        launch.start(Request(STUDIES["ffn-baseline"], path), runs)
    assert not list(runs.glob("*/*"))
