"""How many processes train a plan on a CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from data.processes import usable_cores
from experiments.training.cohorts import Cohort
from networks.models.config import CNNConfig
from networks.models.multiply_adds import training_multiplications
from networks.training.cohort_key import bytes_per_trial

# A process has to import Keras and torch first, which takes seconds: as long as a core
# takes for about so many multiplications.
_WORTH_A_PROCESS = 2e11
_PROCESS_BYTES = 600 * 2**20  # Keras, torch and a dataset
_KEPT_MEMORY = 2  # a process keeps what it frees, for its next step
_SHARE_OF_MEMORY = 0.8


def worker_count(
    cohorts: Sequence[Cohort],
    device: str,
    asked: int | None,
    threads: int,
    rows: int,
    classes: int,
) -> int:
    """How many processes train cohorts.

    Args:
        cohorts: to train.
        device: "cpu" or "cuda". One process uses a GPU, as nothing else may take its time.
        asked: by the user, on a CPU; None leaves it to `default_workers`.
        threads: of each process.
        rows: train rows.
        classes: number of genres.
    """
    if device != "cpu" or any(cohort.device for cohort in cohorts):
        return 1  # where devices are compared, too
    return min(asked or default_workers(cohorts, threads, rows, classes), len(cohorts))


def default_workers(cohorts: Sequence[Cohort], threads: int, rows: int, classes: int) -> int:
    """As many processes as there are cores and memory for, and work worth starting them.

    Args:
        cohorts: to train.
        threads: of each process.
        rows: train rows.
        classes: number of genres.
    """
    if multiplications_of(cohorts, rows, classes) < _WORTH_A_PROCESS:
        return 1
    largest = max(_bytes(cohort, classes) for cohort in cohorts)
    room = int(_SHARE_OF_MEMORY * available_memory()) // largest
    return max(1, min(usable_cores() // threads, len(cohorts), room))


def multiplications_of(cohorts: Sequence[Cohort], rows: int, classes: int) -> int:
    """Of training all cohorts for as many epochs as they may.

    Args:
        cohorts: to train.
        rows: train rows.
        classes: number of genres.
    """
    return sum(
        training_multiplications(trial.network, classes) * rows * trial.training.epochs
        for cohort in cohorts
        for _, trial in cohort.trials
    )


def available_memory(root: Path = Path("/")) -> int:
    """Bytes of memory that are free for this process, as far as the system tells.

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


def _bytes(cohort: Cohort, classes: int) -> int:
    network, training = cohort.trials[0][1].network, cohort.trials[0][1].training
    each = 0
    if isinstance(network, CNNConfig):
        each = bytes_per_trial(network, training.batch_size, classes)
    return _PROCESS_BYTES + _KEPT_MEMORY * each * len(cohort.trials)
