"""What a user asks for: a study, on what, with what."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from experiments.design.limits import MOST_PROCESSES, check_choice, check_count
from experiments.design.plan import StudyOptions
from experiments.design.search_settings import Search
from experiments.design.study import Study
from networks.training.cohort_key import PRECISIONS, Precision

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

    def __post_init__(self) -> None:
        check_choice("device", self.device, ("auto", "cpu", "cuda"))
        check_choice("precision", self.precision, PRECISIONS)
        check_count("threads", self.threads, MOST_PROCESSES)
        check_count("workers", self.workers, MOST_PROCESSES)


@dataclass(frozen=True)
class Request:
    """A run that a user asks for.

    Args:
        study: the question; of the user's own making, perhaps.
        dataset: the dataset's file.
        options: how much of the study.
        computing: with what.
        search: where the study's trials are drawn instead of planned.
    """

    study: Study
    dataset: Path
    options: StudyOptions = field(default_factory=StudyOptions)
    computing: Computing = field(default_factory=Computing)
    search: Search | None = None

    @property
    def features(self) -> Literal["mfcc", "mel"]:
        """What its networks read: a dataset with mel-spectrograms has the MFCC statistics, too."""
        return self.study.features if self.search is None else self.search.space.features

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "study": self.study.to_dict(),
            "dataset": str(self.dataset),
            "options": asdict(self.options),
            "computing": asdict(self.computing),
            "search": None if self.search is None else self.search.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Request:
        """The request that `to_dict` made `plain` of.

        Raises:
            LookupError, TypeError, ValueError: `plain` is damaged.
        """
        return cls(
            Study.from_dict(plain["study"]),
            Path(plain["dataset"]),
            # Called "wish" before.
            StudyOptions(**(plain["options"] if "options" in plain else plain["wish"])),
            Computing(**plain["computing"]),
            Search.from_dict(plain["search"]) if plain.get("search") else None,
        )
