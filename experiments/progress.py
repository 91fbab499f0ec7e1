"""A run's progress on standard error, with the time that is left."""

from __future__ import annotations

from typing import Any

from data.terminal import ProgressBar
from experiments.cohorts import Cohort
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
        self._ended = 0
        self._bar = bar
        self._epochs: dict[str, int] = {}  # that count as done, by trial

    def cohort_began(self, cohort: Cohort) -> None:
        """Show what begins."""
        names = ", ".join(dict.fromkeys(name for name, _ in cohort.trials))
        size = len(cohort.trials)
        together = names if size == 1 else f"{size} trials in lockstep ({names})"
        self._bar.note(f"{self._so_far()} ended, {together}, first epoch")

    def epoch_ended(self, variant: str, trial: Trial, epoch: int, logs: dict[str, float]) -> None:
        """Move the bar."""
        if not self._count(trial, epoch):
            return  # trained anew, after its first process died
        note = f"{self._so_far()} ended, {variant} seed {trial.seed}, epoch {epoch}/"
        note += f"{trial.training.epochs}, {epoch_line(logs)}"
        self._bar.advance(_work(trial), 1, note)

    def trial_ended(self, variant: str, trial: Trial, result: dict[str, Any]) -> None:
        """Say how it ended; epochs that early stopping saved are done, too."""
        saved = self._count(trial, trial.training.epochs)
        if saved:
            self._bar.advance(saved * _work(trial), 0, "")
        self._ended += 1
        self._bar.say(trial_line(variant, trial.training.learning_rate, result))

    def note(self, text: str) -> None:
        """Print what the user should know."""
        self._bar.say(text)

    def _so_far(self) -> str:
        return f"{self._ended}/{self._trials} trials"

    def _count(self, trial: Trial, epoch: int) -> int:
        """How many epochs are new when a trial has reached one."""
        before = self._epochs.get(trial.id, 0)
        self._epochs[trial.id] = max(before, epoch)
        return max(epoch - before, 0)


def total_work(plan: Plan) -> float:
    """The work of all trials of a plan, in multiplications a row of train data."""
    return float(sum(trial.training.epochs * _work(trial) for _, trial in plan.trials))


def _work(trial: Trial) -> int:
    return multiplications(trial.network)
