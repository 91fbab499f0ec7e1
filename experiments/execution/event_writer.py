"""Writes the events of a run: those of its workers, completed, and those of the run process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from experiments.design.trial import Trial
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import (
    CohortBegan,
    EpochEnded,
    Event,
    PlanMade,
    PlannedCohort,
    PlannedTrial,
    RunBegan,
    TrialEnded,
)
from experiments.runs.process_id import ProcessId
from experiments.training.cohorts import Cohort
from experiments.training.device import versions
from networks.models.multiply_adds import multiplications


class EventWriter:
    """Writes the events of a run; may be used by several threads.

    Args:
        run: locked by the caller.
        log: to append the events to.
        trials: of the plan, with the names of their variants.
        expected: number of trials in all, where more are drawn later.
    """

    def __init__(
        self,
        run: RunDirectory,
        log: EventLog,
        trials: Iterable[tuple[str, Trial]],
        expected: int = 0,
    ) -> None:
        self._run, self._log = run, log
        self._work = _Work(expected)
        self._work.add(trial for _, trial in trials)
        self._lock = threading.Lock()

    def begin(self, process: ProcessId, resumed: bool) -> None:
        """Record that a process begins to train the run; trials with results count as done."""
        done = [trial for trial in self._work.trials if self._run.is_done(trial)]
        for trial in done:
            self._work.reach(trial)
        trials = len(self._work.trials)
        self.record(RunBegan(trials, len(done), asdict(process), resumed, versions()))

    def grow(self, trials: Iterable[tuple[str, Trial]], *, is_last: bool) -> None:
        """Add trials that were drawn.

        Args:
            trials: with the names of their variants.
            is_last: whether no others will be drawn.
        """
        with self._lock:
            self._work.add(trial for _, trial in trials)
            if is_last:
                self._work.expected = 0

    def plan(self, cohorts: Iterable[Cohort], workers: int) -> None:
        """Record what is about to be trained, in how many processes."""
        self.record(PlanMade(workers, tuple(map(_planned, cohorts))))

    def record(self, *events: Event) -> None:
        """Append events, completed with how much of the run's work is done then."""
        with self._lock:
            for event in events:
                match event:
                    case EpochEnded(trial=trial, epoch=epoch):
                        self._work.trained += self._work.reach(trial, epoch)
                    case TrialEnded(trial=trial):
                        self._work.reach(trial)
                    case CohortBegan(trials=trials, epoch=epoch):
                        for trial in trials:
                            self._work.reach(trial, epoch)
            share, left = self._work.share, self._work.seconds_left
        self._log.append(*(_completed(event, share, left) for event in events))


@dataclass
class _TrialWork:
    """Cost of an epoch of a trial, its epochs at most, and those that are done."""

    cost: int
    epochs: int
    done: int = 0


class _Work:
    """How much of a run's work is done, and how long the rest will take.

    Work is measured by `cost_per_epoch`, as networks differ in that. Trials that are not
    drawn yet count as much as the known ones on average.
    """

    def __init__(self, expected: int) -> None:
        self.trials: dict[str, _TrialWork] = {}
        self.expected = expected  # trials in all, at least
        self.trained = 0  # since this began
        self._known = self._done = 0
        self._began = time.monotonic()

    def add(self, trials: Iterable[Trial]) -> None:
        """Add trials."""
        for trial in trials:
            if trial.id not in self.trials:
                work = _TrialWork(cost_per_epoch(trial), trial.training.epochs)
                self.trials[trial.id] = work
                self._known += work.cost * work.epochs

    def reach(self, trial: str, epoch: int | None = None) -> int:
        """Count a trial's epochs up to one, or all, as done; the work that this adds."""
        work = self.trials[trial]
        new = max((work.epochs if epoch is None else epoch) - work.done, 0)
        work.done += new
        self._done += new * work.cost
        return new * work.cost

    @property
    def share(self) -> float:
        """Of the work that is done, between 0 and 1."""
        return round(self._done / self._total, 6) if self._total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None before there is one."""
        if not self.trained:
            return None
        elapsed = time.monotonic() - self._began
        return round(elapsed * (self._total - self._done) / self.trained, 2)

    @property
    def _total(self) -> int:
        known = max(len(self.trials), 1)
        return self._known * max(self.expected, known) // known


def cost_per_epoch(trial: Trial) -> int:
    """What an epoch of a trial costs: multiplications of a train row."""
    return multiplications(trial.network)


def _planned(cohort: Cohort) -> PlannedCohort:
    trials = tuple(
        PlannedTrial(trial.id, variant, trial.seed, trial.training.epochs, cost_per_epoch(trial))
        for variant, trial in cohort.trials
    )
    return PlannedCohort(cohort.id, trials)


def _completed(event: Event, share: float, seconds_left: float | None) -> Event:
    match event:
        case EpochEnded():
            return replace(event, share=share, seconds_left=seconds_left)
        case TrialEnded():
            return replace(event, share=share)
    return event
