"""The state of a run, reduced from its events as they come."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from experiments.runs.checksums import stringify_nonfinite
from experiments.runs.epoch_history import SCORE, EpochHistory
from experiments.runs.events import (
    CohortBegan,
    Continued,
    EpochEnded,
    LogEntry,
    Note,
    Paused,
    PlanMade,
    RunBegan,
    RunEnded,
    TrialEnded,
    WorkerDied,
    logs,
)
from experiments.runs.trial_result import Scores, Status, TrialResult
from experiments.runs.validation import (
    MALFORMED,
    Amount,
    AmountOrNone,
    Check,
    Count,
    Record,
    as_plain,
    count,
    each,
    number,
    of_type,
    one_of,
    or_none,
    seconds,
    share,
    text,
    texts,
    values_of,
)

_MOST_BESTS = 1024
_NOTES = 20  # that are kept
_WINDOW = 60.0  # seconds that a rate is measured over
_MOST = 2000  # epochs of them that are kept


@dataclass
class TrialProgress:
    """A trial, as its events describe it.

    Args:
        id, variant, seed, learning_rate: that name it; NaN where the rate is not known.
        fold: that it is tested on, from 1; None without folds.
        epochs: that it will train for, at most.
        epoch: that ended last, counted from 1; 0 before the first.
        status: how it is, or how it has ended.
        logs: metrics of the last epoch.
        reason: of a failure.
        validation, test: its figures when it has ended; None where there are none.
        history: of its epochs, from events or the trial's result.
        bests: epochs that were better than all before them, with their validation macro-F1;
            of more than a thousand of them some are left out.
    """

    id: str
    variant: str
    seed: int
    epochs: int
    learning_rate: float = math.nan
    epoch: int = 0
    status: Status | Literal["waiting", "training"] = "waiting"
    logs: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    validation: Scores | None = None
    test: Scores | None = None
    history: EpochHistory = field(default_factory=EpochHistory, compare=False)
    bests: list[tuple[int, float]] = field(default_factory=list)
    fold: int | None = None

    @property
    def replicate(self) -> str:
        """Such as "seed 42", or "fold 2, seed 42"."""
        return f"seed {self.seed}" if self.fold is None else f"fold {self.fold}, seed {self.seed}"

    @property
    def best(self) -> tuple[int, float] | None:
        """The epoch with the highest validation macro-F1, and that; None without."""
        return self.bests[-1] if self.bests else None

    @property
    def length(self) -> int:
        """Epochs in the history, also those that it does not keep."""
        return self.history.length

    @property
    def is_over(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self.status not in ("waiting", "training")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, apart from numbers that are not finite."""
        plain: dict[str, Any] = {"trial": self.id, "variant": self.variant, "seed": self.seed}
        plain |= {} if self.fold is None else {"fold": self.fold}
        plain |= {"status": self.status, "epoch": self.epoch, "epochs": self.epochs}
        plain["logs"] = dict(self.logs)
        return plain | ({"reason": self.reason} if self.reason else {})

    def to_record(self) -> dict[str, Any]:
        """JSON-ready, with the history."""
        plain = {name: as_plain(getattr(self, name)) for name in _TRIAL_CHECKS}
        plain["learning_rate"] = None if math.isnan(self.learning_rate) else self.learning_rate
        plain |= {} if self.fold is None else {"fold": self.fold}
        plain |= {"logs": stringify_nonfinite(self.logs), "bests": [*map(list, self.bests)]}
        return plain | {"history": self.history.to_record()}

    @classmethod
    def from_record(cls, plain: Any, history: Collection[str] | None) -> TrialProgress:
        """The inverse of `to_record`; `history` as in `handle_epoch`.

        Raises:
            LookupError, TypeError, ValueError, OverflowError: `plain` is damaged.
        """
        trial = cls(**{name: check(plain[name]) for name, check in _TRIAL_CHECKS.items()})
        trial.fold = or_none(count)(plain.get("fold"))
        if sorted(set(trial.bests)) != trial.bests or len(trial.bests) > _MOST_BESTS:
            raise ValueError("the best epochs are in no order")
        if history is None or history:
            trial.history = EpochHistory.from_record(plain["history"], history)
        return trial

    def restore(self, result: TrialResult) -> None:
        """Update it from its result, and its curves where no event has."""
        self.handle_end(TrialEnded.from_result(result, self.learning_rate))
        if self.length:
            return
        scores = enumerate(result.history.get(SCORE, ()), 1)
        known = [(value, -number) for number, value in scores if value is not None]
        self.bests = [(-number, value) for value, number in [max(known)]] if known else []
        self.history = EpochHistory.from_result(result, self.bests[0][0] if known else 0)

    def handle_end(self, event: TrialEnded) -> None:
        """It has ended, or was tested after its end."""
        self.status, self.reason = event.status, event.reason
        self.epoch = self.epoch if event.epochs is None else event.epochs
        self.learning_rate = event.learning_rate
        self.validation, self.test = event.validation, event.test

    def handle_epoch(self, event: EpochEnded, history: Collection[str] | None) -> None:
        """An epoch has ended; one that is trained again takes its old place.

        Raises:
            ValueError: history is kept, and an epoch before this one is missing.
        """
        bests = self.bests
        if bests and bests[-1][0] >= event.epoch:
            bests = [best for best in bests if best[0] < event.epoch]
        score = event.logs.get(SCORE, math.nan)
        is_best = math.isfinite(score) and not (bests and bests[-1][1] >= score)
        if history is None or history:
            self.history.add(event, history, is_best=is_best)
        self.bests = bests
        if is_best:
            bests.append((event.epoch, score))
            if len(bests) > _MOST_BESTS:
                del bests[1:-1:2]
        self.status, self.epoch, self.logs = "training", event.epoch, event.logs


def _best(plain: Any) -> tuple[int, float]:
    epoch, score = plain
    return count(epoch), number(score)


_TRIAL_CHECKS: dict[str, Check[Any]] = {
    "id": text,
    "variant": text,
    "seed": count,
    "epochs": count,
    "learning_rate": lambda value: math.nan if value is None else number(value),
    "epoch": count,
    "status": one_of(("waiting", "training", *get_args(Status))),
    "logs": logs,
    "reason": text,
    "validation": or_none(Scores.from_dict),
    "test": or_none(Scores.from_dict),
    "bests": lambda values: [*each(_best)(values)],
}


@dataclass(frozen=True)
class WorkerProgress(Record):
    """A process that trains.

    Args:
        memory: bytes in use; on the GPU, where that trains.
        rows_per_second: train rows.
        cpu: cores that it keeps busy; None where that is not known.
        gpu: share of the time that the GPU computes, between 0 and 1; None likewise.
    """

    memory: Count = 0
    rows_per_second: Amount = 0.0
    cpu: AmountOrNone = None
    gpu: AmountOrNone = None


class RunProgress:
    """A run, as its events describe it.

    Args:
        trials: that are planned; those that events name are added.
        history: metrics that are kept in the trials' histories; None keeps all metrics and
            the confusion matrices.

    Attributes:
        trials: by their ids, in the order of the plan.
        newest: id of the trial whose epoch ended last; "" before the first.
        planned_workers: processes of the plan.
        workers: processes that train, by their pids.
        last_worker: the one whose epoch ended last.
        share: of the work that is done, between 0 and 1.
        seconds_left: by the run process's estimate; None before there is one.
        paused: why nothing goes on, or "".
        notes: what a reader should know, the newest last.
        deaths: of workers.
        time: of the last event, seconds since 1970.
        epoch_events: so far.
        invalid_events: that named unknown trials, or epochs out of their order.
    """

    def __init__(
        self, trials: Iterable[TrialProgress] = (), history: Collection[str] | None = ()
    ) -> None:
        self.trials = {trial.id: trial for trial in trials}
        self._history = history
        self.newest = self.paused = ""
        self.workers: dict[int, WorkerProgress] = {}
        self.last_worker = WorkerProgress()
        self._pids: dict[str, int] = {}  # of the cohorts that train
        self._ended: deque[tuple[float, str, int]] = deque(maxlen=_MOST)  # time, cohort, epoch
        self.share = self.time = 0.0
        self.seconds_left: float | None = None
        self.notes: deque[str] = deque(maxlen=_NOTES)
        self.planned_workers = self.deaths = self.epoch_events = self.invalid_events = 0

    def handle(self, entry: LogEntry) -> None:
        """Update the state by an event; one that makes no sense is counted and left out."""
        self.time = entry.time
        try:
            self._handle(entry)
        except MALFORMED:
            self.invalid_events += 1

    def plan(self, trials: Iterable[TrialProgress]) -> None:
        """Add trials; those that are known already stay as they are."""
        for trial in trials:
            self.trials.setdefault(trial.id, trial)

    def to_record(self) -> dict[str, Any]:
        """JSON-ready; of a state that keeps all history."""
        return {name: as_plain(getattr(self, name)) for name in _RUN_CHECKS} | {
            "notes": list(self.notes),
            "last_worker": self.last_worker.to_dict(),
            "workers": [[pid, worker.to_dict()] for pid, worker in self.workers.items()],
            "pids": self._pids,
            "ended": [*map(list, self._ended)],
            "trials": [trial.to_record() for trial in self.trials.values()],
        }

    @classmethod
    def from_record(cls, plain: Any, history: Collection[str] | None = ()) -> RunProgress:
        """The inverse of `to_record`.

        Raises:
            LookupError, TypeError, ValueError, OverflowError: `plain` is damaged.
        """
        progress = cls(history=history)
        for name, check in _RUN_CHECKS.items():
            setattr(progress, name, check(plain[name]))
        progress.notes.extend(texts(plain["notes"]))
        progress.last_worker = WorkerProgress.from_dict(plain["last_worker"])
        progress.workers = {
            count(pid): WorkerProgress.from_dict(worker) for pid, worker in plain["workers"]
        }
        progress._pids = values_of(count)(plain["pids"])
        for time, cohort, epoch in of_type(list, plain["ended"]):
            progress._ended.append((seconds(time), text(cohort), count(epoch)))
        progress.plan(
            TrialProgress.from_record(trial, history) for trial in of_type(list, plain["trials"])
        )
        return progress

    def interrupt(self) -> None:
        """Nothing trains any more: the run process has ended."""
        self.workers, self._pids, self.seconds_left = {}, {}, None
        self._ended.clear()
        for trial in self.training:
            trial.status = "waiting"

    @property
    def training(self) -> list[TrialProgress]:
        """Trials that are being trained."""
        return [trial for trial in self.trials.values() if trial.status == "training"]

    @property
    def ended(self) -> int:
        """Trials that have ended, one way or the other."""
        return sum(trial.is_over for trial in self.trials.values())

    @property
    def epochs_per_second(self) -> float | None:
        """Epochs of single trials a second, over the last minute; None before two ended."""
        if not self._ended:
            return None
        began, *first = self._ended[0]
        seconds = self._ended[-1][0] - began
        # Trials in lockstep end an epoch together: those of the first one took no time here.
        counted = sum(step != first for _, *step in self._ended)
        return counted / seconds if counted and seconds > 0 else None

    @property
    def memory(self) -> int:
        """Bytes in use by all workers."""
        return sum(worker.memory for worker in self.workers.values())

    @property
    def rows_per_second(self) -> float:
        """Train rows a second, of all workers."""
        return sum(worker.rows_per_second for worker in self.workers.values())

    @property
    def cpu(self) -> float | None:
        """Cores that all workers keep busy; None where that is not known."""
        known = [worker.cpu for worker in self.workers.values() if worker.cpu is not None]
        return sum(known) if known else None

    @property
    def gpu(self) -> float | None:
        """Share of the time that the busiest GPU computes; None where that is not known."""
        known = [worker.gpu for worker in self.workers.values() if worker.gpu is not None]
        return max(known, default=None)

    def _handle(self, entry: LogEntry) -> None:
        match entry.event:
            case EpochEnded() as event:
                self._handle_epoch(event, entry.time)
            case TrialEnded() as event:
                self.trials[event.trial].handle_end(event)
                self.share = event.share
            case PlanMade(workers=workers, cohorts=cohorts):
                self.planned_workers = workers
                self.plan(
                    TrialProgress(
                        trial.id, trial.variant, trial.seed, trial.epochs, fold=trial.fold
                    )
                    for cohort in cohorts
                    for trial in cohort.trials
                )
            case CohortBegan(cohort=cohort, trials=names, epoch=epoch, pid=pid):
                for trial in [self.trials[name] for name in names]:
                    trial.status, trial.epoch = "training", epoch
                self._pids[cohort], self.workers[pid] = pid, WorkerProgress()
            case RunBegan():
                self.paused = ""
                self.interrupt()
            case Note(text=text):
                self.notes.append(text)
            case WorkerDied(cohort=cohort, reason=reason):
                self.deaths += 1
                self.notes.append(reason)
                self.workers.pop(self._pids.pop(cohort, -1), None)
            case Paused(reason=reason):
                self.paused = reason
            case Continued():
                self.paused = ""
            case RunEnded(how=how, reason=reason):
                self.interrupt()
                if how == "failed":
                    self.notes.append(reason)

    def _handle_epoch(self, event: EpochEnded, time: float) -> None:
        trial = self.trials[event.trial]
        trial.handle_epoch(event, self._history)
        self.newest, self.paused = trial.id, ""
        self.share, self.seconds_left = event.share, event.seconds_left
        self.epoch_events += 1
        worker = WorkerProgress(event.memory, event.rows_per_second, event.cpu, event.gpu)
        self.workers[self._pids.get(event.cohort, 0)] = self.last_worker = worker
        if self._ended and time < self._ended[-1][0]:  # the clock was set back
            self._ended.clear()
        self._ended.append((time, event.cohort, event.epoch))
        while self._ended[0][0] < time - _WINDOW:
            self._ended.popleft()


_RUN_CHECKS: dict[str, Check[Any]] = {
    "newest": text,
    "paused": text,
    "share": share,
    "time": seconds,
    "seconds_left": or_none(seconds),
    "planned_workers": count,
    "deaths": count,
    "epoch_events": count,
    "invalid_events": count,
}
