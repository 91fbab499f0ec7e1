"""What a run's tasks share, as plain data that can travel to another process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from data.datasets.dataset import Dataset
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.training.device import set_up
from networks.training.cohort_key import Precision


@dataclass(frozen=True)
class Settings:
    """How trials are computed.

    Args:
        device: "cpu" or "cuda".
        threads: of torch on the CPU, in each process.
        precision: of products.
        tested: whether the test rows are looked at as soon as a trial has finished.
        checkpoint_seconds: between two checkpoints of a cohort, at least.
    """

    device: str
    threads: int
    precision: Precision
    tested: bool
    checkpoint_seconds: float


@dataclass(frozen=True)
class Work:
    """Where, on what and how the trials of a run are computed.

    Args:
        run: where to record.
        dataset: its file.
        content_sha256: of its rows.
        settings: how to compute.
    """

    run: RunDirectory
    dataset: Path
    content_sha256: str
    settings: Settings


def open_work(work: Work) -> Dataset:
    """Set torch up in this process and read the dataset; raises as `read_dataset`."""
    set_up(work.settings.device, work.settings.threads)
    return read_dataset(work)


def read_dataset(work: Work) -> Dataset:
    """The dataset of a run, which a process reads once.

    Raises:
        DataError: it cannot be read any more.
        RunError: the file has other rows than when the run began.
    """
    dataset = _load(work.dataset)
    if dataset.content_sha256 != work.content_sha256:
        raise RunError(
            f"{work.dataset} has changed since the run began: its trials would not belong "
            "together. Start a new run."
        )
    return dataset


@lru_cache(maxsize=1)
def _load(path: Path) -> Dataset:
    from data.storage import hdf5  # takes h5py, which only a worker needs

    return hdf5.load(path)
