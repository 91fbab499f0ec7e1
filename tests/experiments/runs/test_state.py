"""A run's state is derived from its files, each time anew."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from experiments.cli.main import main
from experiments.display.snapshot_table import snapshot_view
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import CohortBegan, EpochEnded, Note, Paused, RunBegan, RunEnded
from experiments.runs.lock import hold_run_lock
from experiments.runs.state import snapshot, state_of
from tests.conftest import record_run
from tests.support import raw_records
from tests.support.faults import STUDY
from tests.support.inline_pool import events_of, resume_inline, run_inline
from tests.support.recorded_runs import record


def state(run: RunDirectory) -> str:
    return state_of(run, run.read_manifest()).state


def result_path(run: RunDirectory) -> Path:
    (path,) = run.path.glob("trials/*/result.json")
    return path


def test_every_state(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    assert state(run) == "finished"
    with hold_run_lock(run, print):
        assert state(run) == "running"
        run.ask_to_stop()
        assert state(run) == "stopping"
    assert state(run) == "finished", "a stop that came too late"
    content = result_path(run).read_bytes()
    result_path(run).unlink()
    assert state(run) == "stopped"
    run.withdraw_stop()
    assert state(run) == "crashed"
    log = EventLog(run)
    log.append(RunEnded("failed", "no room [red]\x1b[2J"))
    assert state(run) == "failed"
    assert state_of(run, run.read_manifest()).reason.startswith("no room")
    EventLog(run).append(RunBegan())
    assert state(run) == "crashed", "it was resumed, and its owner has died"
    trial = next(run.path.glob("trials/*"))
    trial.mkdir(exist_ok=True)
    (trial / "result.json").write_bytes(content[:-9] + b"x" + content[-8:])
    assert state(run) == "crashed", "a damaged result is none"
    (trial / "result.json").write_bytes(content)
    assert state(run) == "finished"


def test_what_says_finished_is_not_believed(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    EventLog(run).append(RunEnded("finished"))
    result_path(run).unlink()
    assert state(run) == "crashed"


def test_a_controlled_run_is_finished_when_the_selected_are_tested(tmp_path: Path) -> None:
    run = run_inline(tmp_path, STUDY, "controlled", 1, 2)
    assert state(run) == "finished"
    tested = [
        trial
        for trial in run.read_manifest().trials
        if (result := raw_records.read_result(run, trial)) and result["test"]
    ]
    assert len(tested) == 3, "two of the four variants are the same there"
    result = raw_records.read_result(run, tested[0])
    assert result is not None
    raw_records.write_result(run, tested[0], result | {"test": None})
    assert state(run) == "crashed"
    resume_inline(run, tmp_path / "small.h5")
    assert state(run) == "finished"
    assert [event["trial"] for event in events_of(run, "trial")][-1] == tested[0]
    assert raw_records.read_result(run, tested[0]) == result


def test_a_damaged_run(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    raw_records.write_run(
        run, {name: value for name, value in raw_records.read_run(run).items() if name != "trials"}
    )
    with pytest.raises(RunError, match=r"run.json is damaged \(KeyError\(.trials.\)\)"):
        state_of(run, run.read_manifest())


def test_a_read_only_run_can_be_looked_at(tmp_path: Path) -> None:
    """A copy that nobody may write, as another user sees it."""
    run = run_inline(tmp_path, STUDY, seeds=1, epochs=2)
    copy = RunDirectory(tmp_path / "runs" / STUDY.name / "20260101T000000Z-copied")
    shutil.copytree(run.path, copy.path)
    for path in [copy.path, *copy.path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = contents(copy)
    try:
        seen = snapshot(copy)
        assert seen.state.state == "finished"
        assert seen.to_dict()["epoch_events"] > 0
        assert contents(copy) == before
        if os.geteuid():
            with pytest.raises(RunError):
                resume_inline(copy, tmp_path / "small.h5")
    finally:
        for path in [copy.path, *copy.path.rglob("*")]:
            path.chmod(0o755)


def test_commands_that_look_need_no_more_than_to_read(small_disk: Path) -> None:
    """A file system that nobody can write, not even root."""
    run = record_run(small_disk / "runs")
    log = EventLog(run)
    log.append(Note("seen"))
    log.close()
    (run.path / "lock").write_text("")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for words in (["show", "latest"], ["watch", "latest"], ["watch", "--once"], ["runs"]):
        result = CliRunner().invoke(main, [*words, "--runs", str(small_disk / "runs")])
        assert result.exit_code == 0, result.output
        assert run.path.name in result.output
    for words in (["resume", "latest"], ["remove", "latest", "--yes"]):
        result = CliRunner().invoke(main, [*words, "--runs", str(small_disk / "runs")])
        assert result.exit_code == 2, result.output
        assert result.output.startswith("Error: ")
    assert snapshot(run).progress.notes[-1] == "seen"


def contents(run: RunDirectory) -> dict[str, Any]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(run.path.rglob("*"))
        if path.is_file()
    }


def test_a_snapshot_counts_what_is_there(tmp_path: Path) -> None:
    run = run_inline(tmp_path, STUDY, seeds=2, epochs=3)
    seen = snapshot(run).to_dict()
    assert seen["state"] == "finished"
    assert (seen["trials"], seen["finished"], seen["diverged"]) == (8, 6, 2)
    assert seen["epoch_events"] == 6 * 3 + 2
    assert seen["share"] == 1.0
    assert seen["damaged_events"] == 0
    assert seen["in_training"] == []
    with hold_run_lock(run, print):
        log = EventLog(run)
        trial = next(iter(run.read_manifest().trials))
        result = run.trial_path(trial) / "result.json"
        result.unlink()
        log.append(
            RunBegan(),
            CohortBegan("c", (trial,), 1),
            EpochEnded(
                trial=trial,
                cohort="c",
                epoch=2,
                share=0.25,
                seconds=0.1,
                seconds_left=61.0,
                rows_per_second=1000.0,
                memory=5 * 10**8,
                logs={"loss": float("nan"), "val_loss": 0.5, "val_macro_f1": 0.75},
                confusion=[[1]],
            ),
            Paused("no space left"),
        )
        seen = snapshot(run).to_dict()
        assert (seen["training"], seen["waiting"], seen["share"]) == (1, 0, 0.25)
        assert seen["seconds_left"] == 61.0
        assert seen["paused"] == "no space left"
        assert seen["in_training"][0]["epoch"] == 2
        text = str(render(run))
        for words in ("running", "1:01 min left", "Paused: no space left", "75.0", "nan"):
            assert words in text, words


def render(run: RunDirectory) -> str:
    from data.terminal.console import console

    printer = console()
    with printer.capture() as captured:
        printer.print(snapshot_view(snapshot(run)))
    return captured.get()


def test_histories_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    run = record(tmp_path)
    manifest = run.read_manifest()
    bare, whole = (state_of(run, manifest, histories=wanted) for wanted in (False, True))
    assert whole.results == {trial: run.read_result(trial) for trial in manifest.trials}
    for trial, result in whole.results.items():
        assert result is not None
        assert result.history
        assert bare.results[trial] == replace(result, history={}, epoch_seconds=())
    assert snapshot(run).state == bare
