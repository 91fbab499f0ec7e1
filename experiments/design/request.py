"""A requested run: a study, its dataset, and what to compute with."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data.audio.parameters import Features
from data.processes import usable_cores
from experiments.design.limits import check_bounds, check_choice
from experiments.design.plan import StudyOptions
from experiments.design.search_settings import Search
from experiments.design.study import Study
from experiments.errors import RunError
from networks.training.cohort_key import PRECISIONS, Precision

CHECKPOINT_SECONDS = 30.0
BEGUN = "begun"  # printed by the process of a run when it has started


@dataclass(frozen=True)
class Computing:
    """Requested device, processes and precision.

    Args:
        device: "auto", "cpu" or "cuda".
        threads: of torch on the CPU, in each process.
        workers: processes on the CPU; None leaves the choice to `worker_count`.
        precision: of products.
        anyway: also at a precision that the device is slow at.
        checkpoint_seconds: shortest time between two checkpoints of a cohort.
    """

    device: str = "auto"
    threads: int = 1
    workers: int | None = None
    precision: Precision = "float32"
    anyway: bool = False
    checkpoint_seconds: float = CHECKPOINT_SECONDS

    def __post_init__(self) -> None:
        check_choice("device", self.device, ("auto", "cpu", "cuda"))
        check_choice("precision", self.precision, PRECISIONS)
        check_bounds(
            threads=self.threads,
            workers=self.workers,
            checkpoint_seconds=self.checkpoint_seconds,
        )

    def check_cores(self) -> None:
        """Raise `RunError` for more threads than cores."""
        if self.threads > usable_cores():
            raise RunError(
                f"--threads {self.threads} is more than the {usable_cores()} cores that this "
                "process may use, which would slow training down many times. Use at most as many."
            )


@dataclass(frozen=True)
class Request:
    """A requested run.

    Args:
        study: of the project or the user's own.
        dataset: path of its file.
        options: protocol, seeds and epochs.
        computing: device, processes and precision.
        search: its settings, where the study's trials are drawn instead of planned.
    """

    study: Study
    dataset: Path
    options: StudyOptions = field(default_factory=StudyOptions)
    computing: Computing = field(default_factory=Computing)
    search: Search | None = None

    @property
    def features(self) -> tuple[Features, ...]:
        """Features that the dataset must have, "mfcc" first."""
        return self.study.features if self.search is None else self.search.space.features

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "study": self.study.to_dict(),
            "dataset": str(self.dataset),
            "options": self.options.to_dict(),
            "computing": asdict(self.computing),
            "search": self.search and self.search.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Request:
        """The inverse of `to_dict`.

        Raises:
            LookupError, TypeError, ValueError: `plain` is damaged.
        """
        return cls(
            Study.from_dict(plain["study"]),
            Path(plain["dataset"]),
            # Earlier versions named the options "wish".
            StudyOptions(**(plain["options"] if "options" in plain else plain["wish"])),
            Computing(**plain["computing"]),
            Search.from_dict(plain["search"]) if plain.get("search") else None,
        )
