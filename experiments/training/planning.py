"""Plans a run: its trials, the cohorts that they train in, and how many processes train."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.processes import usable_cores
from experiments.design.dataset_size import DatasetSize
from experiments.design.plan import Plan, StudyOptions, make_plan
from experiments.design.request import Computing
from experiments.design.study import Study
from experiments.errors import RunError
from experiments.training.cohorts import Cohort, plan_cohorts
from experiments.training.device import Machine
from networks.models.config import CNNConfig
from networks.models.multiply_adds import training_multiplications
from networks.training.cohort_key import bytes_per_trial

# A process has to import Keras and torch first, for seconds: as long as a core
# needs for about so many multiplications.
_WORTH_A_PROCESS = 2e11
_PROCESS_BYTES = 600 * 2**20  # Keras, torch and a dataset
_KEPT_MEMORY = 2  # a process keeps what it frees, for its next step
_SHARE_OF_MEMORY = 0.8


@dataclass(frozen=True)
class PlannedRun:
    """What a run trains, in which cohorts, in how many processes."""

    plan: Plan
    cohorts: tuple[Cohort, ...]
    workers: int


def plan_run(
    study: Study,
    options: StudyOptions,
    computing: Computing,
    machine: Machine,
    size: DatasetSize,
    dataset_sha256: str = "",
) -> PlannedRun:
    """Plan a run of a study.

    Args:
        study: the question.
        options: how much of it.
        computing: with how many threads and processes.
        machine: that trains.
        size: of the dataset.
        dataset_sha256: its content hash.

    Raises:
        RunError: nothing is left to train, a network is too large for the device, or nothing is
            left of the dataset's rows in it.
    """
    plan = make_plan(study, options, dataset_sha256, machine.devices)
    for variant, trial in plan.trials:
        size.check(variant, trial.network)
    cohorts = plan_cohorts(plan.trials, machine.device, size, machine.free_memory)
    return PlannedRun(plan, cohorts, worker_count(cohorts, machine, computing, size))


def worker_count(
    cohorts: Sequence[Cohort], machine: Machine, computing: Computing, size: DatasetSize
) -> int:
    """How many processes train cohorts: one a core, as far as memory and work go.

    A GPU has one, and so have studies that compare devices, as nothing else may slow them.
    """
    if machine.device != "cpu" or any(cohort.device for cohort in cohorts):
        return 1
    if computing.workers:
        return min(computing.workers, len(cohorts))
    work = sum(
        training_multiplications(trial.network, size.classes, size.shape_of(trial.network))
        * size.train
        * trial.training.epochs
        for cohort in cohorts
        for _, trial in cohort.trials
    )
    if work < _WORTH_A_PROCESS:
        return 1
    largest = max(_bytes(cohort, size) for cohort in cohorts)
    room = int(_SHARE_OF_MEMORY * available_memory()) // largest
    return max(1, min(usable_cores() // computing.threads, len(cohorts), room))


def check_memory(cohorts: Sequence[Cohort], device: str, size: DatasetSize) -> None:
    """Refuse networks that this machine's memory does not hold, by a wide margin.

    Rows of many frames make huge dense layers where nothing is pooled.

    Raises:
        RunError: there is one.
    """
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for cohort in cohorts if device == "cpu" else ():
        variant, trial = cohort.trials[0]
        if not isinstance(trial.network, CNNConfig):
            continue
        shape = size.shape_of(trial.network)
        # The estimate is one from above.
        least = bytes_per_trial(trial.network, 1, size.classes, shape) // 2
        if least > there:
            raise RunError(
                f"the variant {variant} needs {least / 2**30:.0f} GB of memory at least for rows "
                f"of {shape[0]} x {shape[1]}, and this machine has {there / 2**30:.0f}: choose "
                "other variants, or pooling=True, fewer filters or smaller dense layers."
            )


def available_memory(root: Path = Path("/")) -> int:
    """Bytes of memory that are free for this process.

    Args:
        root: of the file system, for tests.
    """
    found = []
    try:
        for line in (root / "proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    except OSError:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    try:  # a container's limit
        group = root / "sys/fs/cgroup"
        limit = int((group / "memory.max").read_text(encoding="utf-8"))
        used = int((group / "memory.current").read_text(encoding="utf-8"))
        found.append(max(limit - used, 0))
    except (OSError, ValueError):
        pass  # there is none
    return min(found)


def _bytes(cohort: Cohort, size: DatasetSize) -> int:
    network, training = cohort.trials[0][1].network, cohort.trials[0][1].training
    each = 0
    if isinstance(network, CNNConfig):
        shape = size.shape_of(network)
        each = bytes_per_trial(network, training.batch_size, size.classes, shape)
    return _PROCESS_BYTES + _KEPT_MEMORY * each * len(cohort.trials)
