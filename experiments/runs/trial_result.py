"""A trial's result as its result.json holds it: how its training and its test went."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from experiments.runs.validation import (
    count,
    numbers_or_none,
    of_type,
    optional,
    seconds,
    share,
    square_counts,
    texts,
)

Status = Literal["finished", "diverged", "failed"]
Matrix = list[list[int]]
History = Mapping[str, Sequence[float | None]]

_STATUSES: tuple[Status, ...] = get_args(Status)
_MOST_EPOCHS = 100_000  # that a run can be asked for


@dataclass(frozen=True)
class Scores:
    """Accuracy and macro-F1, between 0 and 1."""

    accuracy: float
    macro_f1: float

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Scores:
        """The scores that `asdict` made `plain` of."""
        return cls(share(plain["accuracy"]), share(plain["macro_f1"]))


@dataclass(frozen=True)
class ClassScores:
    """Figures of one genre on the test rows, between 0 and 1, and how many rows are its."""

    precision: float
    recall: float
    f1: float
    rows: int

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> ClassScores:
        """The scores that `asdict` made `plain` of."""
        precision, recall, f1 = (share(plain[name]) for name in ("precision", "recall", "f1"))
        return cls(precision, recall, f1, count(plain["rows"]))


@dataclass(frozen=True)
class TestScores:
    """Figures on the test rows.

    Args:
        accuracy, macro_f1: over all rows, between 0 and 1.
        batch_mean_f1: mean of the macro-F1 of batches, as source A has it.
        confusion_matrix: rows true, columns predicted.
        classes: figures by genre.
    """

    __test__ = False  # nothing for pytest to collect

    accuracy: float
    macro_f1: float
    batch_mean_f1: float
    confusion_matrix: Matrix
    classes: Mapping[str, ClassScores] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = asdict(self)
        return plain if self.classes else {k: v for k, v in plain.items() if k != "classes"}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], classes: int | None = None) -> TestScores:
        """The scores that `to_dict` made `plain` of.

        Args:
            plain: from JSON.
            classes: number of genres; None where it is not known.
        """
        return cls(
            share(plain["accuracy"]),
            share(plain["macro_f1"]),
            share(plain["batch_mean_f1"]),
            square_counts(plain["confusion_matrix"], classes),
            {
                name: ClassScores.from_dict(of_type(dict, scores))
                for name, scores in of_type(dict, plain.get("classes", {})).items()
            },
        )


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended.

    Args:
        trial: its id.
        variant: the first that it belongs to.
        seed: that it was trained with.
        status: "finished"; "diverged": its loss was not finite; "failed": it raised.
        cohort, cohort_size: id of the cohort that it trained in, and trials of that.
        notes: what readers of the results should know.
        reason, traceback: of a failure.
        epochs: that it was trained for; 0 where it failed before the first had ended.
        best_epoch: with the best validation macro-F1, counted from 1.
        kept_epoch: whose weights were kept, counted from 1.
        validation: at the epoch that was kept; always there in one that finished.
        history: a value an epoch of each metric; None where it was not finite.
        epoch_seconds: of each epoch, those of the whole cohort.
        seconds: from the cohort's beginning to the trial's end.
        test: None where the test rows were not looked at.
    """

    trial: str
    variant: str
    seed: int
    status: Status
    cohort: str = ""
    cohort_size: int = 1
    notes: tuple[str, ...] = ()
    reason: str = ""
    traceback: str = ""
    epochs: int = 0
    best_epoch: int | None = None
    kept_epoch: int | None = None
    validation: Scores | None = None
    history: History = field(default_factory=dict)
    epoch_seconds: tuple[float, ...] = ()
    seconds: float | None = None
    test: TestScores | None = None

    @property
    def is_finished(self) -> bool:
        """Whether it was trained to its end."""
        return self.status == "finished"

    @property
    def needs_test(self) -> bool:
        """Whether its test rows, once it is selected, are still to be looked at."""
        return self.is_finished and self.test is None

    @property
    def score(self) -> float:
        """Validation macro-F1 that model selection goes by; 0 for one that did not finish."""
        return self.validation.macro_f1 if self.is_finished and self.validation else 0.0

    @property
    def training_seconds(self) -> float:
        """What its training took: its part of a cohort that trained in lockstep."""
        return math.fsum(self.epoch_seconds) / self.cohort_size

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain: dict[str, Any] = {
            "trial": self.trial,
            "variant": self.variant,
            "seed": self.seed,
            "cohort": {"id": self.cohort, "size": self.cohort_size},
            "notes": list(self.notes),
            "status": self.status,
        }
        if self.status == "failed":
            plain |= {"reason": self.reason, "traceback": self.traceback}
        if self.validation is not None:
            plain |= {
                "best_epoch": self.best_epoch,
                "kept_epoch": self.kept_epoch,
                "epochs": self.epochs,
                "validation": asdict(self.validation),
                "history": dict(self.history),
                "epoch_seconds": list(self.epoch_seconds),
                "seconds": self.seconds,
            }
        return plain | {"test": None if self.test is None else self.test.to_dict()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], classes: int | None = None) -> TrialResult:
        """The result that `to_dict` made `plain` of.

        Args:
            plain: from JSON.
            classes: number of genres; None where it is not known.

        Raises:
            LookupError, TypeError, ValueError: `plain` is damaged.
        """
        status, cohort = plain["status"], of_type(dict, plain["cohort"])
        if status not in _STATUSES:
            raise ValueError(f"there is no status {status!r:.40}")
        failed = status == "failed"
        result = cls(
            trial=of_type(str, plain["trial"]),
            variant=of_type(str, plain["variant"]),
            seed=count(plain["seed"]),
            status=status,
            cohort=of_type(str, cohort["id"]),
            cohort_size=max(count(cohort["size"]), 1),
            notes=texts(plain.get("notes", [])),
            reason=of_type(str, plain["reason"]) if failed else "",
            traceback=of_type(str, plain.get("traceback", "")),
            test=optional(
                lambda test: TestScores.from_dict(of_type(dict, test), classes), plain["test"]
            ),
            **({} if failed and "validation" not in plain else _training(plain)),
        )
        if result.test is not None and not result.is_finished:
            raise ValueError("test figures of a trial that did not finish")
        return result


def added(matrices: Iterable[Matrix], classes: int) -> Matrix:
    """The sum of confusion matrices; zeros where there are none.

    Args:
        matrices: of as many rows and columns as there are classes.
        classes: their number.
    """
    total = [[0] * classes for _ in range(classes)]
    for matrix in matrices:
        for row, counts in zip(total, matrix, strict=True):
            row[:] = map(int.__add__, row, counts)
    return total


def _training(plain: Mapping[str, Any]) -> dict[str, Any]:
    epochs = count(plain["epochs"])
    if not 0 < epochs <= _MOST_EPOCHS:
        raise ValueError(f"{epochs} epochs")
    history: History = {
        name: numbers_or_none(of_type(list, values))
        for name, values in of_type(dict, plain["history"]).items()
    }
    each = tuple(map(seconds, of_type(list, plain["epoch_seconds"])))
    if any(len(values) != epochs for values in (*history.values(), each)):
        raise ValueError(f"a history of other than {epochs} epochs")
    best, kept = count(plain["best_epoch"]), count(plain["kept_epoch"])
    if not (1 <= best <= epochs and 1 <= kept <= epochs):
        raise ValueError(f"epoch {best} or {kept} of {epochs}")
    return {
        "epochs": epochs,
        "best_epoch": best,
        "kept_epoch": kept,
        "validation": Scores.from_dict(of_type(dict, plain["validation"])),
        "history": history,
        "epoch_seconds": each,
        "seconds": optional(seconds, plain.get("seconds")),
    }
