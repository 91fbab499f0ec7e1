"""A run's progress on standard error, with the time that is left."""

from __future__ import annotations

from typing import Any

from data.terminal import ProgressBar
from experiments.plan import Plan
from experiments.tables import epoch_line, trial_line
from experiments.trial import Trial
from networks.cost import multiplications


class RunProgress:
    """The `Observer` of the command line: a bar on a terminal, plain lines elsewhere.

    Variants differ in what an epoch costs, so an epoch counts with its network's
    multiplications.
    """

    def __init__(self, plan: Plan, bar: ProgressBar) -> None:
        self._trials = len(plan.trials)
        self._number = 0
        self._variant = ""
        self._bar = bar
        self._epochs_done = 0  # of the trial that is training

    def trial_began(self, variant: str, trial: Trial) -> None:
        """Show which trial it is."""
        self._number += 1
        self._variant = variant
        self._epochs_done = 0
        self._trial = trial
        self._bar.note(f"trial {self._number}/{self._trials} {variant}, first epoch")

    def epoch_ended(self, epoch: int, epochs: int, logs: dict[str, float]) -> None:
        """Move the bar."""
        self._epochs_done = epoch
        note = (
            f"trial {self._number}/{self._trials} {self._variant}, epoch {epoch}/{epochs}, "
            f"{epoch_line(logs)}"
        )
        self._bar.advance(_work(self._trial), 1, note)

    def trial_ended(self, variant: str, trial: Trial, result: dict[str, Any]) -> None:
        """Say how it ended; epochs that early stopping saved are done, too."""
        saved = trial.training.epochs - self._epochs_done
        if saved:
            self._bar.advance(saved * _work(trial), 0, "")
        self._bar.say(trial_line(variant, result))


def total_work(plan: Plan) -> float:
    """The work of all trials of a plan, in multiplications a row of train data."""
    return float(sum(trial.training.epochs * _work(trial) for _, trial in plan.trials))


def _work(trial: Trial) -> int:
    return multiplications(trial.network)
