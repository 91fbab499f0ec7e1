"""What a worker tells the run's owner while it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TOLD = ("status", "reason", "epochs", "best_epoch", "seconds", "validation", "cohort")


@dataclass(frozen=True)
class TrialEpoch:
    """An epoch of one trial.

    Args:
        trial: its id.
        logs: its figures, as Keras calls them.
        confusion: of the validation rows, rows true.
    """

    trial: str
    logs: dict[str, float]
    confusion: list[list[int]]


@dataclass(frozen=True)
class CohortBegan:
    """A cohort begins to train, or goes on.

    Args:
        cohort: its id.
        trials: ids of those that are not done.
        epoch: epochs that were done before.
        pid: of the process.
    """

    cohort: str
    trials: tuple[str, ...]
    epoch: int
    pid: int


@dataclass(frozen=True)
class EpochEnded:
    """A cohort has trained for an epoch.

    Args:
        cohort: its id.
        epoch: counted from 1.
        seconds: that it took, validation included.
        rows: train rows a second, those of all trials together.
        memory: bytes that the process has in use; of the GPU, where that trains.
        trials: those that trained and are not done.
        cpu: cores that the process kept busy; None where that is not known.
        gpu: part of the time that the GPU computed, between 0 and 1; None likewise.
    """

    cohort: str
    epoch: int
    seconds: float
    rows: float
    memory: int
    trials: tuple[TrialEpoch, ...]
    cpu: float | None = None
    gpu: float | None = None


@dataclass(frozen=True)
class TrialEnded:
    """A trial is recorded.

    Args:
        trial: its id.
        result: what its result.json says, without what is long.
    """

    trial: str
    result: dict[str, Any]

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> TrialEnded:
        """From a result."""
        short = {name: result[name] for name in _TOLD if name in result}
        if result["test"]:
            short["test"] = {name: result["test"][name] for name in ("accuracy", "macro_f1")}
        return cls(result["trial"], short)


@dataclass(frozen=True)
class CheckpointWritten:
    """A cohort can go on from here.

    Args:
        cohort: its id.
        epoch: epochs that are done.
        size: of the file, in bytes.
        seconds: that writing it took.
    """

    cohort: str
    epoch: int
    size: int
    seconds: float


@dataclass(frozen=True)
class Paused:
    """Nothing goes on until there is room on the disk again."""

    reason: str


@dataclass(frozen=True)
class Continued:
    """There is room again."""


@dataclass(frozen=True)
class Note:
    """Something that a reader of the records should know."""

    text: str
    cohort: str = field(default="")


Message = CohortBegan | EpochEnded | TrialEnded | CheckpointWritten | Paused | Continued | Note
