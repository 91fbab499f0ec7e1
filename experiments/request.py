"""What a user asks for: a study, on what, with what."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments.study import Protocol
from networks.lockstep import Precision

CHECKPOINT_SECONDS = 30.0
BEGUN = "begun"  # what the process that carries a run out answers to whoever started it


@dataclass(frozen=True)
class Computing:
    """What a user asks to compute with.

    Args:
        device: that trains: "auto", "cpu" or "cuda".
        threads: of torch on the CPU, in each process.
        workers: processes on the CPU; None leaves it to `default_workers`.
        precision: of products.
        checkpoint_seconds: between two checkpoints of a cohort, at least.
    """

    device: str = "auto"
    threads: int = 1
    workers: int | None = None
    precision: Precision = "float32"
    checkpoint_seconds: float = CHECKPOINT_SECONDS


@dataclass(frozen=True)
class Request:
    """A run that a user asks for.

    Args:
        study: its name.
        dataset: the dataset's file.
        protocol: "documented" or "controlled".
        seeds: how many; the protocol's own number if None.
        epochs: of every training, instead of the protocol's.
        computing: with what.
    """

    study: str
    dataset: Path
    protocol: Protocol = "documented"
    seeds: int | None = None
    epochs: int | None = None
    computing: Computing = field(default_factory=Computing)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"dataset": str(self.dataset)}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Request:
        """The request that `to_dict` made `plain` of."""
        return cls(
            **plain
            | {
                "dataset": Path(plain["dataset"]),
                "computing": Computing(**plain["computing"]),
            }
        )
