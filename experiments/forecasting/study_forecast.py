"""What a study would take here: its trials, its cohorts, and how long they will train."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from experiments.design.plan import StudyOptions, make_plan
from experiments.design.request import Computing
from experiments.design.study import Device, Study
from experiments.forecasting.forecast import Forecast, forecast
from experiments.forecasting.timings import Conditions, Timings
from experiments.training.cohorts import Cohort, plan_cohorts
from experiments.training.worker_count import default_workers, multiplications_of

SOURCE_ROWS = (3200, 800)  # train and validation rows of the source's dataset
SOURCE_CLASSES = 4
_GPUS = Path("/proc/driver/nvidia/gpus")
# Multiplications of a run from which on measuring first, some seconds a kind of network,
# is little beside training: about a minute and a half on one core.
_WORTH_MEASURING = 5e12


@dataclass(frozen=True)
class Prospect:
    """A run that could be started.

    Args:
        study: its name.
        trials: that it would train.
        cohorts: in which they would.
        workers: processes that would.
        rows: train and validation rows.
        conditions: of training.
        is_long: whether measuring first is little beside training.
        left_out: what this version of the study does without, in sentences.
    """

    study: str
    trials: int
    cohorts: tuple[Cohort, ...]
    workers: int
    rows: tuple[int, int]
    conditions: Conditions
    is_long: bool
    left_out: tuple[str, ...]

    def forecast(self, timings: Timings | None = None) -> Forecast | None:
        """How long it would take; None where that was not measured on this machine."""
        known = timings or Timings(self.conditions)
        return forecast(self.cohorts, self.rows, self.workers, known)


def prospect(
    study: Study,
    options: StudyOptions,
    computing: Computing,
    rows: tuple[int, int] = SOURCE_ROWS,
    classes: int = SOURCE_CLASSES,
) -> Prospect:
    """What carrying a study out would take.

    Args:
        study: the question.
        options: how much of it.
        computing: with what. "auto" is taken for a GPU where the system has an NVIDIA one.
        rows: train and validation rows.
        classes: number of genres.

    Raises:
        RunError: nothing could be trained.
    """
    device = device_here(computing.device)
    devices: tuple[Device, ...] = ("cpu", "cuda") if device == "cuda" else ("cpu",)
    plan = make_plan(study, options, "", devices)
    cohorts = plan_cohorts(plan.trials, device, classes)
    workers = 1
    if device == "cpu" and not any(cohort.device for cohort in cohorts):
        workers = computing.workers or default_workers(cohorts, computing.threads, rows[0], classes)
    work = multiplications_of(cohorts, rows[0], classes)
    return Prospect(
        study.name,
        len(plan.trials),
        cohorts,
        min(workers, len(cohorts)),
        rows,
        Conditions(device, computing.threads, computing.precision),
        device == "cpu" and work > _WORTH_MEASURING,
        plan.left_out,
    )


def measure(prospects: Iterable[Prospect], report: Callable[[str], None]) -> Timings:
    """Measure what forecasts of some runs under the same conditions lack.

    Args:
        prospects: at least one.
        report: told what is measured, in phrases.
    """
    from experiments.forecasting.calibration import calibrate

    wanted = list(prospects)
    conditions = wanted[0].conditions
    return calibrate(
        [cohort for one in wanted for cohort in one.cohorts],
        conditions.device,
        conditions.threads,
        conditions.precision,
        report,
        max(one.workers for one in wanted),
    )


def device_here(choice: str) -> Device:
    """The device that "auto" most likely means, without importing torch."""
    if choice in ("cpu", "cuda"):
        return choice  # type: ignore[return-value]
    return "cuda" if _GPUS.is_dir() and any(_GPUS.iterdir()) else "cpu"
