"""What the tasks of a run share, as plain data that can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy.typing as npt

from data.datasets.artists import Group
from data.datasets.dataset import Dataset, Int64, Split
from data.datasets.folds import assign_folds, fold_dataset
from data.processes import usable_cores
from experiments.design.trial import Fold
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


def open_job(job: TrainingJob, fold: Fold | None) -> Dataset:
    """Set torch up in this process and read the dataset; arguments and errors of `read_dataset`."""
    set_up(job.settings.device, job.settings.threads)
    return read_dataset(job.dataset, job.content_sha256, fold)


def read_dataset(path: Path, content_sha256: str, fold: Fold | None = None) -> Dataset:
    """The dataset of a run, which a process reads once, and keeps with the last of its folds.

    Args:
        path: of its file.
        content_sha256: of its rows when the run began.
        fold: that is the test split; None for the dataset's own splits.

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
    return dataset if fold is None else _fold(path, content_sha256, fold)


def places_of(rows: Split) -> dict[str, npt.NDArray[Any]]:
    """Arrays, by their names, that say where rows come from, as far as it is known."""
    known = {"track": rows.track, "start": rows.start, "row": rows.row}
    return {name: values for name, values in known.items() if values is not None}


_folds: dict[tuple[str, Fold], Dataset] = {}  # the last one that was made


def _fold(path: Path, content_sha256: str, fold: Fold) -> Dataset:
    key = content_sha256, fold
    if key not in _folds:
        _folds.clear()  # first: a process has no room for two
        fold_of_row = _assigned(path, content_sha256, fold.of, fold.group)
        _folds[key] = fold_dataset(_load(path), fold_of_row, fold.number)
    return _folds[key]


@lru_cache(maxsize=1)
def _assigned(path: Path, content_sha256: str, folds: int, group: Group) -> Int64:
    return assign_folds(_load(path), folds, group)


@lru_cache(maxsize=1)
def _load(path: Path) -> Dataset:
    from data.storage import hdf5  # imports h5py, which only a worker needs

    return hdf5.load(path)
