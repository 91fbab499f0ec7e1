"""One trial as the screens draw it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from data.terminal.text import clean
from experiments.runs import validation


@dataclass
class TrialModel:
    """A trial's curves.

    Args:
        id: of the trial.
        variant, seed, learning_rate: that tell it apart; the variant's name is clean.
        epochs: that it will train for, at most.
        status: "waiting", "training", "finished", "diverged" or "failed".
        metrics: values of each metric, epoch by epoch, from the first on.
        seconds: since the trial began, at the end of each epoch.
        confusion: matrices of the validation rows after each epoch, rows true.
        test: accuracy and macro-F1 on the test rows, once there are any.
        reason: of a failure.
    """

    id: str
    variant: str
    seed: int
    learning_rate: float
    epochs: int
    status: str = "waiting"
    metrics: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    confusion: list[list[list[int]]] = field(default_factory=list)
    test: Mapping[str, float] | None = None
    reason: str = ""

    @property
    def epoch(self) -> int:
        """The epoch that ended last by the run's events; 0 before the first."""
        return len(self.confusion)

    @property
    def length(self) -> int:
        """Epochs with figures, from events or the trial's result."""
        return len(self.seconds)

    @property
    def best(self) -> tuple[int, float] | None:
        """The epoch, from 1, with the highest validation macro-F1, and that; None without."""
        values = self.metrics.get("val_macro_f1", [])
        known = [(value, -number) for number, value in enumerate(values, 1) if value == value]
        if not known:
            return None
        value, number = max(known)
        return -number, value

    def take(self, event: Mapping[str, Any]) -> None:
        """Take the event of an epoch in; one that was told before takes its old place."""
        number = validation.count(event["epoch"])
        if self.length > self.epoch == number - 1 == 0:
            self.metrics, self.seconds = {}, []  # a result's, told before
        if not 1 <= number <= self.epoch + 1:
            raise ValueError("an epoch is missing")
        logs = {str(name): float(value) for name, value in event["logs"].items()}
        seconds = validation.seconds(event["seconds"])
        confusion = [[validation.count(n) for n in row] for row in event["confusion"]]
        known: list[list[Any]] = [*self.metrics.values(), self.seconds, self.confusion]
        for values in known:
            del values[number - 1 :]  # trained anew, from a checkpoint
        for name, value in logs.items():
            self.metrics.setdefault(name, []).append(value)
        self.seconds.append((self.seconds[-1] if self.seconds else 0.0) + seconds)
        self.confusion.append(confusion)

    def take_result(self, result: Mapping[str, Any]) -> None:
        """Take a trial's result in: what it was, and its curves where no event told them."""
        self.status = str(result["status"])
        self.reason = clean(str(result.get("reason", "")))
        self.test = test_scores(result) or self.test
        history = result.get("history")
        if not self.length and isinstance(history, dict):
            seconds = accumulate(validation.seconds(second) for second in result["epoch_seconds"])
            metrics = {
                str(name): [math.nan if value is None else float(value) for value in values]
                for name, values in history.items()
            }
            self.metrics, self.seconds = metrics, list(seconds)


def test_scores(record: Mapping[str, Any]) -> dict[str, float] | None:
    """Accuracy and macro-F1 on the test rows; None where they were not looked at."""
    test = record.get("test")
    if not isinstance(test, dict):
        return None
    return {name: validation.share(test[name]) for name in ("accuracy", "macro_f1")}
