"""The tasks of a run's workers.

Their arguments are plain data, and what they need of Keras and torch is imported in the
worker: the run's owner stays small, and survives what kills a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.design.study import Device
from experiments.design.trial import Trial
from experiments.training.cohorts import Cohort
from experiments.training.job import Work
from networks.models.custom import CustomConfig
from networks.training.cohort_key import Precision


@dataclass(frozen=True)
class Machine:
    """What trains, on this machine.

    Args:
        device: "cpu" or "cuda".
        about: of the device, JSON-ready.
        free_memory: of the GPU in bytes; None on a CPU.
        devices: all that can train here.
    """

    device: str
    about: dict[str, Any]
    free_memory: int | None
    devices: tuple[Device, ...]


def probe(device: str, threads: int, precision: Precision) -> Machine:
    """Find out what trains here.

    Args:
        device: "auto", "cpu" or "cuda".
        threads: of torch on the CPU.
        precision: of products.

    Raises:
        RunError: there is no such device, or it has no such precision.
    """
    from experiments.training.device import (
        check_precision,
        choose_device,
        devices,
        free_memory,
        set_up,
    )

    chosen = choose_device(device)  # type: ignore[arg-type]
    check_precision(chosen, precision)
    about = set_up(chosen, threads) | {"precision": precision}
    return Machine(chosen, about, free_memory(chosen), devices())


def train(work: Work, cohort: Cohort) -> bool:
    """See `experiments.training.cohort_training.train`."""
    from experiments.training import cohort_training

    return cohort_training.train(work, cohort)


def test(work: Work, trial: Trial) -> bool:
    """See `experiments.training.cohort_training.test`."""
    from experiments.training import cohort_training

    return cohort_training.test(work, trial)


def import_engine() -> None:
    """Import what training takes, while this process waits for its first cohort."""
    from experiments.training import cohort_training

    assert cohort_training


def check_functions(networks: Sequence[CustomConfig], classes: int) -> None:
    """Build networks of the user's functions, and save and load each, before a run begins.

    Raises:
        ConfigError: a function cannot be loaded, or builds no network that can be kept.
    """
    from networks.inference import check_function

    for network in networks:
        check_function(network, classes)


def fit_baselines(work: Work, seeds: Sequence[int]) -> None:
    """See `experiments.training.baselines.fit_ahead`."""
    from experiments.training.baselines import fit_ahead

    fit_ahead(work, seeds)


def baselines(work: Work, seeds: Sequence[int]) -> bool:
    """See `experiments.training.baselines.record`."""
    from experiments.training.baselines import record

    return record(work, seeds)
