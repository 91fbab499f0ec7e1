"""The summary beside an event log: what readers begin with, and what they pass over."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from experiments.errors import RunError
from experiments.runs import checksums, log_summary
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.event_reader import EventReader, event_files
from experiments.runs.events import (
    CohortBegan,
    EpochEnded,
    Event,
    Note,
    PlanMade,
    PlannedCohort,
    PlannedTrial,
    RunBegan,
    RunEnded,
    TrialEnded,
    WorkerDied,
)
from experiments.runs.log_summary import open_log
from experiments.runs.process_id import ProcessId
from experiments.runs.progress import RunProgress
from experiments.runs.trial_result import Scores
from tests.support.log_summaries import write_summary

TRIALS = ("a", "b")


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path / "study" / "20260102T030405Z-abc123")
    run.path.mkdir(parents=True)
    return run


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short logs get summaries, too, and at once."""
    for name in ("_WORTH_A_SUMMARY", "_SUMMARY_SECONDS"):
        monkeypatch.setattr(log_summary, name, 0)
    monkeypatch.setattr(log_summary, "_SUMMARY_SHARE", math.inf)


def begin() -> list[Event]:
    trials = tuple(PlannedTrial(name, "v", 1, 99) for name in TRIALS)
    return [RunBegan(2), PlanMade(1, (PlannedCohort("c", trials),)), CohortBegan("c", TRIALS, 0, 7)]


def epochs(first: int, last: int) -> list[Event]:
    return [
        EpochEnded(
            *(name, "c", epoch, 0.5, 100.0, 10**6),
            {"val_macro_f1": math.sin(epoch) ** 2, "loss": math.inf if epoch == 3 else 1 / epoch},
            [[epoch, 1], [0, 2]],
            *(0.5, None, epoch / 99, 3.0),
        )
        for epoch in range(first, last + 1)
        for name in TRIALS
    ]


def write(run: RunDirectory, *events: Event) -> None:
    log = EventLog(run)
    for event in events:
        log.append(event)
    log.close()


def state(reader: EventReader, progress: RunProgress) -> dict[str, Any]:
    """What a reader comes to, all of it."""
    for entry in reader.entries():
        progress.handle(entry)
    return {**progress.to_record(), "damaged": reader.invalid_events}


def whole(run: RunDirectory) -> dict[str, Any]:
    return state(EventReader(run), RunProgress(history=None))


def begun(run: RunDirectory) -> dict[str, Any]:
    reader, (progress,) = open_log(run, None)
    return state(reader, progress)


def starts_late(run: RunDirectory) -> bool:
    return open_log(run, None)[0].positions != []


@pytest.mark.usefixtures("eager")
def test_a_reader_comes_to_the_same_state_from_every_summary(run: RunDirectory) -> None:
    log, first = EventLog(run), run.path / "events" / "summary.json"
    events = [*begin(), *epochs(1, 9), Note("x"), WorkerDied("c", "signal 9", 1)]
    events += [CohortBegan("c", TRIALS, 6, 8), *epochs(7, 12)]
    events += [TrialEnded("a", "v", 1, 0.1, "finished", validation=Scores(0.5, 0.4))]
    read: list[dict[str, Any]] = []
    for event in events:
        log.append(event)
        assert first.exists()
        assert starts_late(run)
        read.append(begun(run))
        assert read[-1] == whole(run)
    log.close()
    write(run, *begin(), *epochs(10, 20), RunEnded("stopped"))  # it was resumed
    assert len(open_log(run, None)[0].positions) == 2
    assert begun(run) == whole(run)


def test_of_an_older_summary_the_rest_is_read(run: RunDirectory) -> None:
    write(run, *begin(), *epochs(1, 9))
    write(run, *begin(), *epochs(5, 12))
    for count in range(1, 40):
        write_summary(run, count)
        assert starts_late(run)
        assert begun(run) == whole(run)
    _, (bare, score) = open_log(run, (), ("val_macro_f1",))
    assert bare.trials["a"].length == 0
    history = score.trials["a"].history
    assert (history.metrics, history.matrix_epochs) == (["val_macro_f1"], [])
    assert bare.trials["a"].best == score.trials["a"].best is not None


def _changed(**about: Any) -> Callable[[RunDirectory, Path], None]:
    def change(run: RunDirectory, path: Path) -> None:
        plain = checksums.loads(path.read_bytes())
        plain["files"][0] |= about
        path.write_bytes(checksums.dumps(plain))

    return change


def _of_another_run(run: RunDirectory, path: Path) -> None:
    other = RunDirectory(run.path.with_name("20260102T030405Z-other0"))
    other.path.mkdir()
    write(other, *begin(), *epochs(1, 9))
    path.write_bytes(write_summary(other).read_bytes())


def _of_another_version(run: RunDirectory, path: Path) -> None:
    path.write_bytes(checksums.dumps(checksums.loads(path.read_bytes()) | {"schema_version": 2}))


def _claiming(**about: Any) -> Callable[[RunDirectory, Path], None]:
    def change(run: RunDirectory, path: Path) -> None:
        plain = checksums.loads(path.read_bytes())
        plain["progress"]["trials"][0]["history"] |= about
        path.write_bytes(checksums.dumps(plain))

    return change


def _cut(run: RunDirectory, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _bit(run: RunDirectory, path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _log_began_again(run: RunDirectory, path: Path) -> None:
    (file,) = event_files(run)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-3]))


def _log_has_gone(run: RunDirectory, path: Path) -> None:
    event_files(run)[0].unlink()


@pytest.mark.parametrize(
    "change",
    [
        lambda run, path: path.unlink(),
        lambda run, path: (path.unlink(), path.mkdir()),
        lambda run, path: path.write_bytes(b""),
        *(_cut, _bit, _of_another_run, _of_another_version, _log_began_again, _log_has_gone),
        _changed(offset=10**9),
        _changed(offset=100),
        _changed(offset=0),
        _changed(number=3),
        _changed(number=0, offset=0, crc32="", file="0002.jsonl"),
        _changed(crc32="00000000"),
        _changed(file="../events/0001.jsonl"),
        _claiming(step=3),
        _claiming(step=0),
        _claiming(length=10**11),
        _claiming(seconds=[0.5] * 100_000),
        _claiming(metrics={"loss": [1.0]}),
        _claiming(last=None),
    ],
)
def test_what_does_not_fit_the_log_is_passed_over(
    run: RunDirectory, change: Callable[[RunDirectory, Path], object]
) -> None:
    write(run, *begin(), *epochs(1, 9))
    path = write_summary(run)
    assert starts_late(run)
    change(run, path)
    assert not starts_late(run)
    assert begun(run) == whole(run)


def test_short_logs_have_none(run: RunDirectory) -> None:
    write(run, *begin(), *epochs(1, 9))
    with pytest.raises(RunError, match="missing"):
        run.read_log_summary()


@pytest.mark.usefixtures("eager")
def test_only_the_owner_of_a_run_writes_it(run: RunDirectory) -> None:
    mine = replace(run, owner=ProcessId.me())
    log = EventLog(mine)  # nobody's lock is there
    log.append(*begin())
    log.close()
    assert not (run.path / "events" / "summary.json").exists()


@pytest.mark.usefixtures("eager")
def test_a_resumed_run_does_not_read_a_long_log(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(run, *begin(), *epochs(1, 9))
    path = run.path / "events" / "summary.json"
    path.unlink()
    monkeypatch.setattr(log_summary, "_MOST_UNREAD", 100)
    write(run, *begin(), *epochs(9, 12))
    assert not path.exists()
    assert begun(run) == whole(run)


def test_a_log_is_read_line_by_line(run: RunDirectory) -> None:
    write(run, *begin(), *epochs(1, 9))
    reader = EventReader(run)
    entries = reader.entries()
    assert [next(entries).number for _ in range(3)] == [1, 2, 3]
    assert reader.positions[0].number == 3
    assert reader.read(2)[1][0].number == 4


@pytest.mark.usefixtures("eager")
def test_events_are_written_where_the_summary_cannot_be(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = EpochEnded("a", "c", 1, 0.0, math.inf, 1, {}, [[1]])  # rows in no time
    write(run, *begin(), endless)
    assert begun(run) == whole(run)
    monkeypatch.setattr(RunDirectory, "commit", _full)
    write(run, *begin(), *epochs(1, 3))
    assert whole(run)["epoch_events"] == 6
    assert begun(run) == whole(run)


def _full(run: RunDirectory, path: Path) -> None:
    raise DataError(f"{path} cannot be written: no space left.")
