"""What events of a run are completed with: work that is done, and the time that is left."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from experiments.design.plan import StudyOptions, make_plan
from experiments.execution.event_writer import EventWriter
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.event_reader import EventReader
from experiments.runs.events import CohortBegan, EpochEnded, Event, PlanMade, TrialEnded
from experiments.runs.process_id import ProcessId
from experiments.studies import STUDIES
from experiments.training.cohorts import Cohort


@dataclass
class _Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


class _Log:
    """A log of two trials of ten epochs that train together."""

    def __init__(self, path: Path, clock: _Clock, expected: int = 0) -> None:
        plan = make_plan(STUDIES["ffn-baseline"], StudyOptions("documented", 2, 10), "")
        self.trials = [trial.id for _, trial in plan.trials]
        self.left = list(self.trials)
        self.run, self._clock = RunDirectory(path / "study" / "20260102T030405Z-abc123"), clock
        self.run.path.mkdir(parents=True)
        self.writer = EventWriter(self.run, EventLog(self.run), plan.trials, expected)
        self.writer.begin(ProcessId.me(), resumed=False)

    def epoch(self, number: int, at: float, cpu: float | None = None) -> tuple[float, float | None]:
        """Share and time left, after an epoch of those that are left."""
        self._clock.now = at
        self.writer.record(
            *(EpochEnded(t, "c", number, 2.0, 1.0, 1, {}, [[1]], cpu) for t in self.left)
        )
        found = self.last()
        assert isinstance(found, EpochEnded)
        return found.share, found.seconds_left

    def last(self) -> Event:
        """The last event of the log."""
        return EventReader(self.run).read()[1][-1].event


def test_no_time_is_left_before_epochs_have_shown_how_long_they_take(
    tmp_path: Path, clock: _Clock
) -> None:
    log = _Log(tmp_path, clock)
    assert log.epoch(1, 100.0) == (0.1, None)  # a hundred seconds of imports and tracing
    assert log.epoch(2, 101.0) == (0.2, None)
    assert log.epoch(3, 102.0) == (0.3, 7.0)


def test_a_slow_hour_long_ago_is_forgotten(tmp_path: Path, clock: _Clock) -> None:
    log = _Log(tmp_path, clock)
    assert log.epoch(1, 0.0)[1] is None
    assert log.epoch(2, 3600.0)[1] == 8 * 3600.0
    lasted = [log.epoch(number, 3580.0 + 10 * number)[1] for number in range(3, 11)]
    assert lasted[-1] == 0.0
    assert lasted[-2] == pytest.approx(10.0)


def test_a_cohort_that_resumes_from_its_checkpoint(tmp_path: Path, clock: _Clock) -> None:
    log = _Log(tmp_path, clock)
    for number in range(1, 6):
        log.epoch(number, float(number))
    log.writer.record(CohortBegan("c", tuple(log.trials), 2))
    assert log.epoch(3, 60.0) == (0.3, None)
    assert log.epoch(4, 64.0) == (0.4, 24.0)


def test_trials_that_end_early_and_those_that_are_drawn_later(
    tmp_path: Path, clock: _Clock
) -> None:
    log = _Log(tmp_path, clock, expected=4)
    log.epoch(1, 0.0)
    log.writer.record(TrialEnded(log.trials[0], "v", 42, 0.1, "diverged"))
    ended = log.last()
    assert isinstance(ended, TrialEnded)
    assert ended.share == round(11 / 40, 6)
    log.left.pop(0)
    log.writer.grow([], is_last=True)
    assert log.epoch(2, 1.0)[0] == round(12 / 20, 6)


def test_the_cpu_time_of_trials(tmp_path: Path, clock: _Clock) -> None:
    log = _Log(tmp_path, clock)
    log.epoch(1, 0.0)
    log.epoch(2, 1.0, cpu=0.5)
    log.epoch(3, 2.0, cpu=1.0)
    assert log.writer.cpu_seconds == dict.fromkeys(log.trials, (3.0, 4.0))


def test_the_longest_plan_is_read_back(tmp_path: Path, clock: _Clock) -> None:
    """Of the largest cohorts, with names that are as long as they may be."""
    log = _Log(tmp_path, clock)
    plan = make_plan(STUDIES["ffn-baseline"], StudyOptions("documented", 1, 10), "")
    trial = plan.trials[0][1]
    trials = [replace(trial, seed=seed) for seed in range(12_000)]
    named = [(f"{n:0400}", one) for n, one in enumerate(trials)]
    cohorts = [Cohort(tuple(named[i : i + 4096])) for i in range(0, 12_000, 4096)]
    log.writer.plan(cohorts, 1)
    _, entries = EventReader(log.run).read()
    plans = [entry.event for entry in entries if isinstance(entry.event, PlanMade)]
    read = [one.variant for plan in plans for cohort in plan.cohorts for one in cohort.trials]
    assert read == [variant for variant, _ in named]
