"""What a run's owner tells of it, from its workers' messages: events."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from experiments.design.trial import Trial
from experiments.execution.progress_estimate import GrowingEstimate, work_of
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.training.cohorts import Cohort
from experiments.training.messages import (
    CheckpointWritten,
    CohortBegan,
    Continued,
    EpochEnded,
    Message,
    Note,
    Paused,
    TrialEnded,
)


class RunLog:
    """Tells the events of a run; may be used by several threads.

    Args:
        run: that the caller owns.
        events: where they are told.
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
        self._trials = {trial.id: (variant, trial) for variant, trial in trials}
        self._estimate = GrowingEstimate((trial for _, trial in self._trials.values()), asked)
        self._lock = threading.Lock()

    def began(self, **facts: Any) -> None:
        """The owner begins; trials that are done count as such."""
        done = [name for name in self._trials if self._run.is_done(name)]
        for name in done:
            self._estimate.already(name)
        self._tell("run_began", trials=len(self._trials), done=len(done), **facts)

    def grew(self, trials: Iterable[tuple[str, Trial]], *, is_last: bool) -> None:
        """Further trials are about to be planned; there may be no others after them."""
        further = {trial.id: (variant, trial) for variant, trial in trials}
        with self._lock:
            self._trials |= further
            self._estimate.add((trial for _, trial in further.values()), is_last=is_last)

    def planned(self, cohorts: Iterable[Cohort], workers: int) -> None:
        """What is about to be trained."""
        plan = [
            {
                "id": cohort.id,
                "trials": [
                    {
                        "id": trial.id,
                        "variant": variant,
                        "seed": trial.seed,
                        "epochs": trial.training.epochs,
                        "work": work_of(trial),
                    }
                    for variant, trial in cohort.trials
                ],
            }
            for cohort in cohorts
        ]
        self._tell("plan", workers=workers, cohorts=plan)

    def note(self, text: str) -> None:
        """Something that a reader should know."""
        self._tell("note", text=text)

    def stopping(self) -> None:
        """A stop was asked for."""
        self._tell("stopping")

    def worker_died(self, cohort: str, reason: str, attempt: int) -> None:
        """A worker has died on a cohort, for the `attempt`-th time."""
        self._tell("worker_died", cohort=cohort, reason=reason, attempt=attempt)

    def ended(self, how: str, reason: str = "") -> None:
        """The owner's last words: the run has "finished", "stopped" or "failed"."""
        self._tell("run_ended", how=how, reason=reason)

    def told(self, message: Message) -> None:
        """Tell what a worker has told."""
        match message:
            case EpochEnded():
                self._epoch_ended(message)
            case TrialEnded():
                self._trial_ended(message)
            case CohortBegan(trials=trials, epoch=epoch):
                with self._lock:
                    for trial in trials:
                        self._estimate.already(trial, epoch)
                self._tell("cohort_began", **asdict(message))
            case CheckpointWritten(size=size, seconds=seconds):
                about = {"cohort": message.cohort, "epoch": message.epoch, "bytes": size}
                self._tell("checkpoint", **about, seconds=round(seconds, 4))
            case Paused(reason=reason):
                self._tell("paused", reason=reason)
            case Continued():
                self._tell("continued")
            case Note():
                self._tell("note", **asdict(message))

    def _trial_ended(self, message: TrialEnded) -> None:
        with self._lock:
            self._estimate.already(message.trial)
            share = self._estimate.share
        variant, trial = self._trials[message.trial]
        self._tell(
            "trial",
            trial=message.trial,
            variant=variant,
            seed=trial.seed,
            learning_rate=trial.training.learning_rate,
            share=share,
            **message.result,
        )

    def _epoch_ended(self, message: EpochEnded) -> None:
        with self._lock:
            for one in message.trials:
                self._estimate.trained(one.trial, message.epoch)
            share, left = self._estimate.share, self._estimate.seconds_left
        shared: Mapping[str, Any] = {
            "cohort": message.cohort,
            "epoch": message.epoch,
            "seconds": round(message.seconds, 5),
            "rows_per_second": round(message.rows, 1),
            "memory": message.memory,
            **_known(cpu=message.cpu, gpu=message.gpu),
            "share": round(share, 6),
            "seconds_left": None if left is None else round(left, 2),
        }
        self._events.append(
            *(
                {"event": "epoch", "trial": one.trial, **shared}
                | {"logs": one.logs, "confusion": one.confusion}
                for one in message.trials
            )
        )

    def _tell(self, event: str, **about: Any) -> None:
        self._events.append({"event": event, **about})


def _known(**shares: float | None) -> dict[str, float]:
    """Those that are known, rounded."""
    return {name: round(share, 3) for name, share in shares.items() if share is not None}
