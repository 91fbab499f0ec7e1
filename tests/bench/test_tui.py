"""The terminal UI's benchmark: its runs, its stopwatch, its table."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.runs.listing import all_runs
from experiments.runs.lock import is_alive
from experiments.runs.state import state_of
from experiments.studies import STUDIES
from genre_tui.model.run_model import RunModel
from genre_tui.watch.run_watcher import RunWatcher
from tests.bench import tui, tui_runs, watch
from tests.bench.__main__ import main
from tests.bench.tui_terminal import BenchTerminal, start_up
from tests.support.inline_pool import events_of
from tests.support.processes import wait_until

NAMES = ["start-up", "first-screen", "first-run"]
NAMES += ["keys-many-80", "keys-large-80", "keys-many-140", "keys-large-140"]
NAMES += ["first-visits", "first-visits-read"]
NAMES += ["idle-cpu", "idle-bytes", "watch-80-cpu", "watch-80-bytes"]
NAMES += ["watch-140-cpu", "watch-140-bytes"]


def test_runs_of_all_studies(tmp_path: Path) -> None:
    count = len(STUDIES) + 1
    tui_runs.write_many(tmp_path, count)
    runs = all_runs(tmp_path)
    assert len(runs) == len({run.path.name for run in runs}) == count
    assert {run.path.parent.name for run in runs} == set(STUDIES)
    for run in runs:
        assert state_of(run, run.read_manifest()).state == "finished"


def test_a_large_run_has_all_its_epochs(tmp_path: Path) -> None:
    run = tui_runs.write_finished(tmp_path, "optimizers", tui_runs.LARGE, seeds=2, epochs=3)
    reported = RunModel(run)
    RunWatcher(run, 1.0, reported.handle).poll()
    assert len(reported.trials) == 10
    for trial in reported.trials.values():
        assert (trial.status, trial.epoch) == ("finished", 3)
        first, *_, last = trial.history.values("val_macro_f1")
        assert 0.2 < first < last < 1
        assert [sum(row) for row in trial.history.confusion(3) or []] == [200] * 4


def test_a_live_run_tells_epochs_while_it_is_looked_at(tmp_path: Path) -> None:
    with tui_runs.live(tmp_path, trials=3, seconds=0.01) as run:
        assert is_alive(run)
        wait_until(lambda: len(events_of(run, "epoch")) >= 9)
    assert not is_alive(run)
    numbers = [event["epoch"] for event in events_of(run, "epoch")]
    assert numbers[:6] == [1, 1, 1, 2, 2, 2]


ECHO = """
import sys, termios, time, tty
tty.setraw(0)
print("ready", flush=True)
while True:
    key = sys.stdin.read(1)
    time.sleep(0.1)
    print(key * (10 if key == "x" else 100), end="", flush=True)
"""


def test_the_stopwatch(tmp_path: Path) -> None:
    words = [sys.executable, "-c", ECHO]
    with BenchTerminal(words, (80, 24), dict(os.environ)) as terminal:
        assert terminal.until("ready") > 0
        terminal.settle()
        short, long = terminal.press("x"), terminal.press("y")
        assert (short.count, short.drawn, long.count) == (10, 0.0, 100)
        assert 0.1 <= short.seconds < 60
        assert 0.1 <= long.drawn <= long.seconds < 60
        processor, rate = terminal.watch(0.2)
        assert rate == 0
        assert 0 <= processor <= 100
    words = [sys.executable, "-c", "pass"]
    with (
        BenchTerminal(words, (80, 24), dict(os.environ)) as ended,
        pytest.raises(RuntimeError, match="has ended"),
    ):
        ended.until("something")
    assert start_up() > 0


@pytest.mark.slow
def test_the_table_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MANY", 3), ("TRIALS", 10), ("EPOCHS", 2)):
        monkeypatch.setattr(tui, name, value)
    for name in ("_LONG", "_IDLE", "_AT_REST"):
        monkeypatch.setattr(tui, name, 1.0)
    began = time.monotonic()
    done = CliRunner().invoke(main, ["tui", "--repeats", "1", "--json"])
    assert done.exit_code == 0, done.output
    measured = json.loads(done.stdout)
    assert [row["name"] for row in measured["rows"]] == NAMES
    values = {row["name"]: row["value"] for row in measured["rows"]}
    assert all(row["repeats"] == 1 for row in measured["rows"])
    assert 0 < values["start-up"] < time.monotonic() - began
    assert values["first-screen"] > 0
    assert values["keys-many-80"] > 0
    assert 0 < values["first-visits"] <= values["first-visits-read"]
    assert values["watch-80-bytes"] >= 0
    assert {"processor", "cores", "python", "textual", "load"} <= measured["machine"].keys()
    assert "torch" not in measured["machine"]


def test_watching_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_MINUTE", 0.2)
    words = ["watch", "--minutes", "2", "--megabytes", "1", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    rows = {row["name"]: row["value"] for row in json.loads(result.stdout)["rows"]}
    names = ["first-memory", "first-cpu", "last-memory", "last-cpu"]
    names += ["once-with-wall", "once-with-memory", "once-without-wall", "once-without-memory"]
    assert list(rows) == names
    assert all(rows[name] > 10 for name in names if name.endswith("memory"))
