"""What a run's events say of it, summed up as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from experiments.errors import MISSHAPEN
from experiments.runs import validation

_NOTES = 20  # that are kept
_KNOWN = {  # events that a view learns from
    *("run_began", "plan", "cohort_began", "epoch", "trial", "note", "worker_died"),
    *("paused", "continued", "run_ended"),
}


@dataclass
class TrialView:
    """A trial, as far as it is told.

    Args:
        id, variant, seed: that name it.
        epochs: that it will train for, at most.
        epoch: that ended last, counted from 1; 0 before the first.
        status: "waiting", "training", "finished", "diverged" or "failed".
        logs: figures of the last epoch.
        confusion: of the validation rows then, rows true.
        reason: of a failure.
    """

    id: str
    variant: str
    seed: int
    epochs: int
    epoch: int = 0
    status: str = "waiting"
    logs: dict[str, float] = field(default_factory=dict)
    confusion: list[list[int]] = field(default_factory=list)
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, apart from numbers that are not finite."""
        plain: dict[str, Any] = {"trial": self.id, "variant": self.variant, "seed": self.seed}
        plain |= {"status": self.status, "epoch": self.epoch, "epochs": self.epochs}
        plain["logs"] = dict(self.logs)
        return plain | ({"reason": self.reason} if self.reason else {})


@dataclass
class RunView:
    """A run, as far as its events tell.

    Args:
        trials: by their ids, in the order of the plan.
        workers: processes that train.
        share: of the work that is done, between 0 and 1.
        seconds_left: by the owner's estimate; None before there is one.
        rows_per_second: train rows of the cohort that was told of last.
        memory: bytes in use by the worker that was told of last.
        paused: why nothing goes on, or "".
        notes: what a reader should know, the newest last.
        deaths: of workers.
        time: of the last event, seconds since 1970.
        epoch_events: that were told.
        foreign: events that could not be understood.
    """

    trials: dict[str, TrialView] = field(default_factory=dict)
    workers: int = 0
    share: float = 0.0
    seconds_left: float | None = None
    rows_per_second: float = 0.0
    memory: int = 0
    paused: str = ""
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=_NOTES))
    deaths: int = 0
    time: float = 0.0
    epoch_events: int = 0
    foreign: int = 0

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event in. One that makes no sense is counted as foreign."""
        try:
            self.time = validation.seconds(event["time"])
            if event["event"] in _KNOWN:
                getattr(self, f"_{event['event']}")(event)
        except MISSHAPEN:
            self.foreign += 1

    @property
    def training(self) -> list[TrialView]:
        """Trials that are being trained."""
        return [trial for trial in self.trials.values() if trial.status == "training"]

    @property
    def ended(self) -> int:
        """Trials that have ended, one way or the other."""
        return sum(trial.status not in ("waiting", "training") for trial in self.trials.values())

    def _run_began(self, event: Mapping[str, Any]) -> None:
        self.paused, self.seconds_left = "", None
        for trial in self.training:  # of an owner that has gone
            trial.status = "waiting"

    def _plan(self, event: Mapping[str, Any]) -> None:
        self.workers = int(event["workers"])
        for cohort in event["cohorts"]:
            for trial in cohort["trials"]:
                name = str(trial["id"])
                if name not in self.trials:
                    self.trials[name] = TrialView(
                        name, str(trial["variant"]), int(trial["seed"]), int(trial["epochs"])
                    )

    def _cohort_began(self, event: Mapping[str, Any]) -> None:
        for name in event["trials"]:
            self.trials[name].status = "training"
            self.trials[name].epoch = validation.count(event["epoch"])

    def _epoch(self, event: Mapping[str, Any]) -> None:
        trial = self.trials[event["trial"]]
        trial.status, trial.epoch = "training", validation.count(event["epoch"])
        trial.logs = {str(name): float(value) for name, value in event["logs"].items()}
        trial.confusion = [[validation.count(n) for n in row] for row in event["confusion"]]
        self.epoch_events += 1
        self.share = validation.share(event["share"])
        left = event["seconds_left"]
        self.seconds_left = None if left is None else validation.seconds(left)
        self.rows_per_second = validation.amount(event["rows_per_second"])
        self.memory = int(validation.amount(event["memory"]))
        self.paused = ""

    def _trial(self, event: Mapping[str, Any]) -> None:
        trial = self.trials[event["trial"]]
        trial.status = str(event["status"])
        trial.reason = str(event.get("reason", ""))
        trial.epoch = validation.count(event.get("epochs", trial.epoch))
        self.share = validation.share(event["share"])

    def _note(self, event: Mapping[str, Any]) -> None:
        self.notes.append(str(event["text"]))

    def _worker_died(self, event: Mapping[str, Any]) -> None:
        self.deaths += 1
        self.notes.append(str(event["reason"]))

    def _paused(self, event: Mapping[str, Any]) -> None:
        self.paused = str(event["reason"])

    def _continued(self, event: Mapping[str, Any]) -> None:
        self.paused = ""

    def _run_ended(self, event: Mapping[str, Any]) -> None:
        self.seconds_left = None
        if event["how"] == "failed":
            self.notes.append(str(event["reason"]))
