"""What a run's tasks share, as plain data that can travel to another process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from experiments.runs.directory import RunDirectory
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
