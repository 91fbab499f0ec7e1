"""How long a run will take, before it starts: from what was measured on this machine."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from data.processes import usable_cores
from data.terminal.text import duration
from experiments.forecasting.timings import Timings
from experiments.training.cohorts import Cohort

_MINUTE, _HOUR = 60, 3600
_FEW_SECONDS, _STEP_OF_SECONDS = 30, 5
_MINUTES = 117.5  # seconds; before, a minute more or less would be too coarse
_STEP_OF_HOURS = 600  # seconds; nobody forecasts hours to the minute


@dataclass(frozen=True)
class Forecast:
    """How long a run's training will take.

    Args:
        seconds: of wall time, on cores that have nothing else to do.
        at_most: whether that is the longest it may take, as trials may end early.
    """

    seconds: float
    at_most: bool

    @property
    def text(self) -> str:
        """Such as "about 4 min" or "up to 1:10 h"."""
        return f"{'up to' if self.at_most else 'about'} {_rounded(self.seconds)}"


def forecast(
    cohorts: Sequence[Cohort], rows: tuple[int, int], workers: int, timings: Timings
) -> Forecast | None:
    """Forecast a run, from the start of its workers to the end of its last training.

    Workers take the cohorts in their order, as `Runner` has them do. Testing, the simple
    classifiers beside the networks and waiting for the disk are left out. A trial that
    diverges ends early, too, but nobody knows before.

    Args:
        cohorts: of the run.
        rows: train and validation rows.
        workers: processes.
        timings: of this machine.

    Returns:
        None where something was not measured: `Timings.missing` tells which kinds, and
        `experiments.forecasting.calibration.calibrate` measures them.
    """
    if timings.start_up is None:
        return None
    workers = max(1, min(workers, len(cohorts)))
    # Processes that share a core take turns.
    turns = max(1.0, workers * timings.conditions.threads / usable_cores())
    slower = turns * timings.slowdown(workers)
    free = [timings.start_up * slower] * workers  # when each worker is
    for cohort in cohorts:
        timing = timings.of(cohort)
        if timing is None:
            return None
        seconds = timing.seconds(len(cohort.trials), _epochs(cohort), rows)
        heapq.heapreplace(free, free[0] + seconds * slower)
    return Forecast(max(free), any(map(_may_end_early, cohorts)))


def _epochs(cohort: Cohort) -> int:
    return max(trial.training.epochs for _, trial in cohort.trials)


def _may_end_early(cohort: Cohort) -> bool:
    trainings = [trial.training for _, trial in cohort.trials]
    return len({training.epochs for training in trainings}) > 1 or any(
        training.early_stopping for training in trainings
    )


def _rounded(seconds: float) -> str:
    """No more digits than a forecast is worth."""
    if seconds < _FEW_SECONDS:
        return duration(max(1, round(seconds)))
    if seconds < _MINUTES:
        return f"{round(seconds / _STEP_OF_SECONDS) * _STEP_OF_SECONDS} s"
    if round(seconds / _MINUTE) < _HOUR // _MINUTE:
        return f"{round(seconds / _MINUTE)} min"
    return duration(round(seconds / _STEP_OF_HOURS) * _STEP_OF_HOURS)
