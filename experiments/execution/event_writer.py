"""Writes the events of a run: those of its workers, completed, and those of the run process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, replace

from experiments.design.dataset_size import SOURCE_SIZE, DatasetSize
from experiments.design.trial import Trial
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import (
    CohortBegan,
    EpochEnded,
    Event,
    LogEntry,
    PlanMade,
    PlannedCohort,
    PlannedTrial,
    RunBegan,
    TrialEnded,
)
from experiments.runs.process_id import ProcessId
from experiments.runs.progress import RunProgress, TrialProgress
from experiments.training.cohorts import Cohort
from experiments.training.device import versions
from networks.models.multiply_adds import multiplications

_WINDOW = 60.0  # seconds that the rate is measured over,
_FEWEST = 8  # and epochs of cohorts at least
_ENOUGH = 2.0  # seconds that say how long the rest will take
_TRIALS_AN_EVENT = 2000  # of a plan: readers bound the length of a line


class EventWriter:
    """Writes the events of a run; may be used by several threads.

    It completes them with how much of the run's work is done, and how long the rest will
    take. Work is measured by `cost_per_epoch`, as networks differ in that.

    Args:
        run: locked by the caller.
        log: to append the events to.
        trials: of the plan, with the names of their variants.
        expected: number of trials in all, where more are drawn later: they count as much as
            the known ones on average.
        size: of the dataset.

    Attributes:
        cpu_seconds: of each trial's epochs, by its id, and the seconds that these took; of
            epochs whose CPU time is known.
    """

    def __init__(
        self,
        run: RunDirectory,
        log: EventLog,
        trials: Iterable[tuple[str, Trial]],
        expected: int = 0,
        size: DatasetSize = SOURCE_SIZE,
    ) -> None:
        self._run, self._log, self._size = run, log, size
        self._progress = RunProgress()
        self._expected = expected
        self._costs: dict[str, int] = {}  # of an epoch
        self._known = self._done = 0  # work
        self._recent: deque[tuple[float, int]] = deque()  # time, work done
        self.cpu_seconds: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()
        self._add(trials)

    def begin(self, process: ProcessId, resumed: bool) -> None:
        """Record that a process begins to train the run; trials with results count as done."""
        done = [trial for trial in self._progress.trials if self._run.is_done(trial)]
        for trial in done:
            self._progress.trials[trial].status = "finished"
            self._done += self._work_of(trial)
        trials = len(self._progress.trials)
        self.record(RunBegan(trials, len(done), asdict(process), resumed, versions()))

    def grow(self, trials: Iterable[tuple[str, Trial]], *, is_last: bool) -> None:
        """Add trials that were drawn.

        Args:
            trials: with the names of their variants.
            is_last: whether no others will be drawn.
        """
        with self._lock:
            self._add(trials)
            if is_last:
                self._expected = 0

    def plan(self, cohorts: Iterable[Cohort], workers: int) -> None:
        """Record what is about to be trained, in how many processes."""
        part: list[PlannedCohort] = []
        for cohort in cohorts:
            part.append(self._planned(cohort))
            if sum(len(planned.trials) for planned in part) >= _TRIALS_AN_EVENT:
                self.record(PlanMade(workers, tuple(part)))
                part = []
        self.record(PlanMade(workers, tuple(part)))

    def record(self, *events: Event) -> None:
        """Append events, completed with how much of the run's work is done then."""
        with self._lock:
            for event in events:
                self._handle(event)
            total = self._known
            if self._costs:
                total = total * max(self._expected, len(self._costs)) // len(self._costs)
            share = round(self._done / total, 6) if total else 1.0
            left = None
            if any(isinstance(event, EpochEnded) for event in events):
                left = self._seconds_left(total)
        self._log.append(*(_completed(event, share, left) for event in events))

    def _planned(self, cohort: Cohort) -> PlannedCohort:
        trials = tuple(
            PlannedTrial(
                trial.id,
                variant,
                trial.seed,
                trial.training.epochs,
                cost_per_epoch(trial, self._size),
                trial.fold and trial.fold.number,
            )
            for variant, trial in cohort.trials
        )
        return PlannedCohort(cohort.id, trials)

    def _add(self, trials: Iterable[tuple[str, Trial]]) -> None:
        for variant, trial in trials:
            if trial.id not in self._costs:
                epochs = trial.training.epochs
                fold = trial.fold and trial.fold.number
                planned = TrialProgress(trial.id, variant, trial.seed, epochs, fold=fold)
                self._progress.plan([planned])
                self._costs[trial.id] = cost_per_epoch(trial, self._size)
                self._known += self._costs[trial.id] * epochs

    def _handle(self, event: Event) -> None:
        match event:
            case EpochEnded(trial=trial, cpu=cpu, seconds=seconds):
                named: tuple[str, ...] = (trial,)
                if cpu is not None:
                    before, took = self.cpu_seconds.get(trial, (0.0, 0.0))
                    self.cpu_seconds[trial] = before + cpu * seconds, took + seconds
            case TrialEnded(trial=trial):
                named = (trial,)
            case CohortBegan(trials=named):
                pass
            case _:
                named = ()
        self._done -= sum(map(self._work_of, named))
        self._progress.handle(LogEntry(0, time.time(), event))
        self._done += sum(map(self._work_of, named))

    def _work_of(self, trial: str) -> int:
        """What is done of a trial; all of one that has ended."""
        found = self._progress.trials[trial]
        return self._costs[trial] * (found.epochs if found.is_over else found.epoch)

    def _seconds_left(self, total: int) -> float | None:
        """At the recent rate; None before it can be told."""
        now, recent = time.monotonic(), self._recent
        if recent and recent[-1][1] > self._done:
            recent.clear()  # a cohort has gone back to its checkpoint
        recent.append((now, self._done))
        while len(recent) > _FEWEST and recent[0][0] < now - _WINDOW:
            recent.popleft()
        # From the end of an epoch on: what comes before the first one is no training.
        seconds, done = now - recent[0][0], self._done - recent[0][1]
        if seconds < _ENOUGH or not done:
            return None
        return round(seconds * (total - self._done) / done, 2)


def cost_per_epoch(trial: Trial, size: DatasetSize) -> int:
    """What an epoch of a trial costs: multiplications of a train row."""
    return multiplications(trial.network, size.shape_of(trial.network))


def _completed(event: Event, share: float, seconds_left: float | None) -> Event:
    match event:
        case EpochEnded():
            return replace(event, share=share, seconds_left=seconds_left)
        case TrialEnded():
            return replace(event, share=share)
    return event
