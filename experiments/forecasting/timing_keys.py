"""What decides how long training takes: the machine, and the kind of cohort.

Equal names mean that one was measured for the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from experiments.training.cohorts import Cohort
from experiments.training.device import processor_name, versions
from networks.models.config import TrainingConfig
from networks.training.cohort_key import Precision, lockstep

_EXACT_SIZES = 16  # cohorts up to so large are timed at their own size
_VERSIONS = ("genre-tui", "keras", "torch")
_GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Conditions:
    """Under which training is timed.

    Args:
        device: "cpu" or "cuda", of cohorts that ask for none.
        threads: of torch on the CPU, in each process.
        precision: of products.
    """

    device: str
    threads: int = 1
    precision: Precision = "float32"

    @property
    def machine(self) -> str:
        """The machine and the conditions, in words that are equal for equal ones."""
        known = versions()
        packages = ", ".join(f"{name} {known[name]}" for name in _VERSIONS)
        hardware = ", ".join([processor_name(), *_gpu_names()])
        return f"{hardware}; {self.device}; threads {self.threads}; {self.precision}; {packages}"


def kind_of(cohort: Cohort, device: str) -> str:
    """A name for all cohorts that take about as long for a row; 16 hexadecimal digits.

    The number of genres does not count: it changes the smallest layer only.

    Args:
        cohort: of one or more trials.
        device: "cpu" or "cuda", unless the cohort asks for one.
    """
    first = cohort.trials[0][1]
    trainings = [trial.training for _, trial in cohort.trials]
    key = (
        cohort.device or device,
        lockstep(first.network, first.training),
        size_class(len(trainings)),
        # Neighbours with equal rates share calls of the optimizer.
        size_class(sum(1 for _ in groupby(trainings, key=_rates))),
        any(map(_decays, trainings)),
        any(map(_steps_rates, trainings)),
    )
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def size_class(members: int) -> int:
    """The largest size that counts as this one: at most an eighth larger."""
    step = 1 if members <= _EXACT_SIZES else 1 << members.bit_length() - 4
    return -(-members // step) * step


def _rates(training: TrainingConfig) -> tuple[object, ...]:
    return training.learning_rate, training.l2, training.decoupled_decay, training.schedule


def _decays(training: TrainingConfig) -> bool:
    return bool(training.l2 or training.decoupled_decay)


def _steps_rates(training: TrainingConfig) -> bool:
    schedule = training.schedule
    return schedule.kind in ("cosine", "one_cycle") and schedule.stepping == "step"


def _gpu_names() -> list[str]:
    """The models of NVIDIA GPUs, as far as the driver tells."""
    names = []
    for about in sorted(_GPUS.glob("*/information")):
        try:
            lines = about.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names
