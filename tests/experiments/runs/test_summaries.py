"""Runs in a row each: those of the cache are those that the records give."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.runs import summaries
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import RunEnded
from experiments.runs.lock import hold_run_lock
from experiments.runs.summaries import summarise_all
from tests.conftest import record_run


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENRE_TUI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return record_run(tmp_path / "runs")


def state(run: RunDirectory) -> tuple[str, int]:
    (row,) = summarise_all(run.path.parent.parent)
    return row["state"], row["done"]


def result_path(run: RunDirectory) -> Path:
    (path,) = run.path.glob("trials/*/result.json")
    return path


def test_a_run_that_stays_as_it_is_is_read_once(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = run.path.parent.parent
    rows = summarise_all(runs)
    assert [(row["run"], row["state"]) for row in rows] == [(run.name, "finished")]
    with monkeypatch.context() as patched:
        patched.delattr(summaries, "state_of")
        assert summarise_all(runs) == rows
    moved = runs.rename(runs.with_name("moved"))
    assert summarise_all(moved)[0]["path"] == str(moved / run.name)


def test_what_changes_is_read_again(run: RunDirectory) -> None:
    assert state(run) == ("finished", 1)
    content = result_path(run).read_bytes()
    result_path(run).write_bytes(content[:-9] + b"x" + content[-8:])
    assert state(run) == ("crashed", 0), "a damaged result is none"
    result_path(run).write_bytes(content)
    assert state(run) == ("finished", 1)
    with hold_run_lock(run, print):
        assert state(run) == ("running", 1)
    assert state(run) == ("finished", 1)
    result_path(run).unlink()
    assert state(run) == ("crashed", 0)
    run.ask_to_stop()
    assert state(run) == ("stopped", 0)
    run.withdraw_stop()
    EventLog(run).append(RunEnded("failed", "no room"))
    assert state(run) == ("failed", 0)
    manifest = (run.path / "run.json").read_bytes()
    (run.path / "run.json").write_text("{")
    assert state(run) == ("damaged", 0)
    (run.path / "run.json").write_bytes(manifest)
    assert state(run) == ("failed", 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-20]),
        lambda path: path.write_text("{}"),
        lambda path: path.unlink() or path.mkdir(),
    ],
    ids=["cut", "another", "folder"],
)
def test_a_cache_of_no_use_is_left_aside(
    run: RunDirectory, cache: Path, spoil: Callable[[Path], object]
) -> None:
    assert state(run) == ("finished", 1)
    (path,) = (cache / "runs").iterdir()
    spoil(path)
    assert state(run) == ("finished", 1)


def test_a_cache_that_cannot_be_written(run: RunDirectory, cache: Path) -> None:
    cache.write_text("a file")
    assert state(run) == ("finished", 1)
