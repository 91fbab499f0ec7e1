"""What the tasks of a run share, as plain data that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from data.datasets.dataset import Dataset
from data.processes import usable_cores
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.manifest import RunManifest
from experiments.training.device import set_up
from networks.training.cohort_key import Precision


@dataclass(frozen=True)
class RunSettings:
    """How trials are computed.

    Args:
        device: "cpu" or "cuda".
        threads: of torch on the CPU, in each process.
        precision: of products.
        tested: whether a trial is evaluated on the test rows as soon as it has finished.
        checkpoint_seconds: between two checkpoints of a cohort, at least.
    """

    device: str
    threads: int
    precision: Precision
    tested: bool
    checkpoint_seconds: float

    @classmethod
    def of(cls, manifest: RunManifest) -> RunSettings:
        """Those of a run, on this machine."""
        device, tested = manifest.device, manifest.protocol == "documented"
        seconds = manifest.checkpoint_seconds
        return cls(
            device.type, min(device.threads, usable_cores()), device.precision, tested, seconds
        )


@dataclass(frozen=True)
class TrainingJob:
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
    settings: RunSettings


def open_job(job: TrainingJob) -> Dataset:
    """Set torch up in this process and read the dataset; raises as `read_dataset`."""
    set_up(job.settings.device, job.settings.threads)
    return read_dataset(job.dataset, job.content_sha256)


def read_dataset(path: Path, content_sha256: str) -> Dataset:
    """The dataset of a run, which a process reads once.

    Args:
        path: of its file.
        content_sha256: of its rows when the run began.

    Raises:
        DataError: it cannot be read any more.
        RunError: the file has other rows now.
    """
    dataset = _load(path)
    if dataset.content_sha256 != content_sha256:
        raise RunError(
            f"{path} has changed since the run began: its trials would not belong "
            "together. Start a new run."
        )
    return dataset


@lru_cache(maxsize=1)
def _load(path: Path) -> Dataset:
    from data.storage import hdf5  # imports h5py, which only a worker needs

    return hdf5.load(path)
