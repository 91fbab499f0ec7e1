"""Writes the events of a run: those of its workers, completed, and those of the run process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from experiments.design.trial import Trial
from experiments.execution.progress_estimate import GrowingEstimate, work_of
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
from experiments.training.cohorts import Cohort


class EventWriter:
    """Writes the events of a run; may be used by several threads.

    Args:
        run: that the caller owns.
        events: the log to append them to.
        trials: of the plan, with the names of their variants.
        asked: how many there will be in all, where more are drawn later.
    """

    def __init__(
        self,
        run: RunDirectory,
        events: EventLog,
        trials: Iterable[tuple[str, Trial]],
        asked: int = 0,
    ) -> None:
        self._run, self._events = run, events
        self._trials = {trial.id: trial for _, trial in trials}
        self._estimate = GrowingEstimate(self._trials.values(), asked)
        self._lock = threading.Lock()

    def began(self, owner: Mapping[str, Any], versions: Mapping[str, str], resumed: bool) -> None:
        """The run process begins; trials that are done count as such."""
        done = [name for name in self._trials if self._run.is_done(name)]
        for name in done:
            self._estimate.already(name)
        self.record(RunBegan(len(self._trials), len(done), owner, resumed, versions))

    def grew(self, trials: Iterable[tuple[str, Trial]], *, is_last: bool) -> None:
        """Further trials are about to be planned; there may be no others after them."""
        further = {trial.id: trial for _, trial in trials}
        with self._lock:
            self._trials |= further
            self._estimate.add(further.values(), is_last=is_last)

    def planned(self, cohorts: Iterable[Cohort], workers: int) -> None:
        """What is about to be trained."""
        self.record(
            PlanMade(
                workers,
                tuple(
                    PlannedCohort(
                        cohort.id,
                        tuple(
                            PlannedTrial(
                                trial.id,
                                variant,
                                trial.seed,
                                trial.training.epochs,
                                work_of(trial),
                            )
                            for variant, trial in cohort.trials
                        ),
                    )
                    for cohort in cohorts
                ),
            )
        )

    def record(self, *events: Event) -> None:
        """Append events, with the share of the run's work that is done then."""
        with self._lock:
            for event in events:
                self._count(event)
            share, left = self._estimate.share, self._estimate.seconds_left
        share, left = round(share, 6), None if left is None else round(left, 2)
        self._events.append(*(_completed(event, share, left) for event in events))

    def _count(self, event: Event) -> None:
        match event:
            case EpochEnded(trial=trial, epoch=epoch):
                self._estimate.trained(trial, epoch)
            case TrialEnded(trial=trial):
                self._estimate.already(trial)
            case CohortBegan(trials=trials, epoch=epoch):
                for trial in trials:
                    self._estimate.already(trial, epoch)


def _completed(event: Event, share: float, seconds_left: float | None) -> Event:
    """What a worker sent, with what only the run process knows."""
    match event:
        case EpochEnded():
            return replace(event, share=share, seconds_left=seconds_left)
        case TrialEnded():
            return replace(event, share=share)
    return event
