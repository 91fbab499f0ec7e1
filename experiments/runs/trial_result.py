"""A trial's result, as result.json holds it, and how validation selects among them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from experiments.design.limits import check_bounds
from experiments.runs.validation import (
    Count,
    CountOrNone,
    Matrix,
    Record,
    SecondsOrNone,
    Share,
    Text,
    Texts,
    count,
    numbers_or_none,
    one_of,
    or_none,
    seconds_list,
    values_of,
)
from experiments.statistics.replicates import Replicate, fold_count, independent

Status = Literal["finished", "diverged", "failed"]
History = Mapping[str, Sequence[float | None]]

_OF_TRAINING = (
    *("epochs", "best_epoch", "kept_epoch"),
    *("validation", "history", "epoch_seconds", "seconds"),
)


def _positive(value: Any) -> int:
    if count(value) < 1:
        raise ValueError("0 should be at least 1")
    return int(value)


@dataclass(frozen=True)
class Scores(Record):
    """Accuracy and macro-F1, between 0 and 1."""

    accuracy: Share
    macro_f1: Share


@dataclass(frozen=True)
class ClassScores(Record):
    """Figures of one genre on the test rows, between 0 and 1, and how many rows are its."""

    precision: Share
    recall: Share
    f1: Share
    rows: Count


@dataclass(frozen=True)
class TestScores(Record):
    """Figures on the test rows.

    Args:
        accuracy, macro_f1: over all rows, between 0 and 1.
        batch_mean_f1: mean of the macro-F1 of batches, as source A has it.
        confusion_matrix: rows true, columns predicted.
        classes: figures by genre.
    """

    __test__ = False  # nothing for pytest to collect

    accuracy: Share
    macro_f1: Share
    batch_mean_f1: Share
    confusion_matrix: Matrix
    classes: Annotated[Mapping[str, ClassScores], values_of(ClassScores.from_dict)] = field(
        default_factory=dict
    )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = super().to_dict()
        return plain if self.classes else {k: v for k, v in plain.items() if k != "classes"}

    def check_classes(self, classes: int | None) -> None:
        """Raise ValueError unless there are so many genres; None allows any number."""
        if classes is not None and len(self.confusion_matrix) != classes:
            raise ValueError(f"a confusion matrix of {len(self.confusion_matrix)} genres")


@dataclass(frozen=True)
class TrialCohort(Record):
    """The cohort that a trial belongs to, and the number of its trials."""

    REQUIRED = ("id", "size")

    id: Text = ""
    size: Annotated[int, _positive] = 1


@dataclass(frozen=True)
class TrialResult(Record):
    """How a trial ended.

    Args:
        trial: its id.
        variant: the first that it belongs to.
        seed: that it was trained with.
        status: "finished"; "diverged": its loss was not finite; "failed": it raised.
        cohort: that it trained in.
        notes: what readers of the results should know.
        reason, traceback: of a failure.
        epochs: that it was trained for; 0 where it failed before the first had ended.
        best_epoch: with the best validation macro-F1, counted from 1.
        kept_epoch: whose weights were kept, counted from 1.
        validation: at the epoch that was kept; always there in one that finished.
        history: a value an epoch of each metric; None where it was not finite.
        epoch_seconds: of each epoch, those of the whole cohort.
        seconds: from the cohort's beginning to the trial's end.
        test: None where it was not evaluated on the test rows.
    """

    REQUIRED = ("cohort", "test")

    trial: Text
    variant: Text
    seed: Count
    status: Annotated[Status, one_of(get_args(Status))]
    cohort: Annotated[TrialCohort, TrialCohort.from_dict] = TrialCohort()
    notes: Texts = ()
    reason: Text = ""
    traceback: Text = ""
    epochs: Count = 0
    best_epoch: CountOrNone = None
    kept_epoch: CountOrNone = None
    validation: Annotated[Scores | None, or_none(Scores.from_dict)] = None
    history: Annotated[History, values_of(numbers_or_none)] = field(default_factory=dict)
    epoch_seconds: Annotated[tuple[float, ...], seconds_list] = ()
    seconds: SecondsOrNone = None
    test: Annotated[TestScores | None, or_none(TestScores.from_dict)] = None

    @property
    def is_finished(self) -> bool:
        """Whether it was trained to its end."""
        return self.status == "finished"

    @property
    def needs_test(self) -> bool:
        """Whether it is still to be evaluated on the test rows, once it is selected."""
        return self.is_finished and self.test is None

    @property
    def score(self) -> float:
        """Validation macro-F1 that model selection goes by; 0 for one that did not finish."""
        return self.validation.macro_f1 if self.is_finished and self.validation else 0.0

    @property
    def training_seconds(self) -> float:
        """What its training took: its part of a cohort that trained in lockstep."""
        return math.fsum(self.epoch_seconds) / self.cohort.size

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        left_out = set() if self.status == "failed" else {"reason", "traceback"}
        left_out |= set(_OF_TRAINING) if self.validation is None else set()
        return {name: value for name, value in super().to_dict().items() if name not in left_out}

    @classmethod
    def from_dict(cls, plain: Any) -> Self:
        """The result that `to_dict` made `plain` of; raises as `Record.from_dict`."""
        result = super().from_dict(plain)
        if result.test is not None and not result.is_finished:
            raise ValueError("test figures of a trial that did not finish")
        if result.status != "failed" or result.validation is not None:
            result._check_training()
        return result

    def _check_training(self) -> None:
        epochs, lengths = self.epochs, {len(values) for values in self.history.values()}
        check_bounds(epochs=epochs)
        if self.validation is None:
            raise ValueError("no validation figures")
        if lengths | {len(self.epoch_seconds)} != {epochs}:
            raise ValueError(f"a history of other than {epochs} epochs")
        best, kept = self.best_epoch or 0, self.kept_epoch or 0
        if not (1 <= best <= epochs and 1 <= kept <= epochs):
            raise ValueError(f"epoch {best} or {kept} of {epochs}")


@dataclass(frozen=True)
class Spread:
    """A figure over trainings, in their order.

    Args:
        values: of each.
        replicates: which training each is of; may be left out where there are no folds.
    """

    values: tuple[float, ...]
    replicates: tuple[Replicate, ...] = ()

    @property
    def folds(self) -> int:
        """Number of folds of the cross-validation; 0 without."""
        return fold_count(self.replicates)

    @cached_property
    def independent(self) -> list[float]:
        """What statistics are about: all values, or in cross-validation the mean of each fold."""
        return independent(self.by_replicate) if self.folds else list(self.values)

    @property
    def by_replicate(self) -> dict[Replicate, float]:
        """The values by their replicates."""
        return dict(zip(self.replicates, self.values, strict=True))

    @property
    def mean(self) -> float | None:
        """None without values."""
        return statistics.fmean(self.independent) if self.values else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation, over seeds or folds; None with fewer than two of them."""
        return statistics.stdev(self.independent) if len(self.independent) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"mean": self.mean, "std": self.std, "values": list(self.values)}


class FiguresOverSeeds:
    """Figures of a variant or a baseline, over its fits: one a seed, or a fold and seed."""

    @property
    def scores(self) -> Sequence[tuple[Scores, TestScores]]:
        """Of each fit, those on the validation and on the test rows."""
        raise NotImplementedError

    @property
    def replicates(self) -> Sequence[Replicate]:
        """Which fit each of the scores is of."""
        raise NotImplementedError

    @property
    def n(self) -> int:
        """Number of fits."""
        return len(self.scores)

    @cached_property
    def accuracy(self) -> Spread:
        """On the test rows."""
        return self._over(test.accuracy for _, test in self.scores)

    @cached_property
    def macro_f1(self) -> Spread:
        """On the test rows."""
        return self._over(test.macro_f1 for _, test in self.scores)

    @cached_property
    def batch_mean_f1(self) -> Spread:
        """On the test rows; averaged over batches as source A does."""
        return self._over(test.batch_mean_f1 for _, test in self.scores)

    @property
    def validation_macro_f1(self) -> float | None:
        """Mean over the fits, of a network at the epoch that was kept; None without any."""
        return self._over(found.macro_f1 for found, _ in self.scores).mean

    def _over(self, values: Iterable[float]) -> Spread:
        return Spread(tuple(values), tuple(self.replicates))

    @property
    def times_tested(self) -> int:
        """How often a row is counted in the summed matrix: once a seed."""
        return len({one[1] if isinstance(one, tuple) else one for one in self.replicates})

    def summed_confusion_matrix(self, classes: int) -> Matrix:
        """Of so many classes, summed over the fits: rows true, columns predicted."""
        total = [[0] * classes for _ in range(classes)]
        for _, test in self.scores:
            for row, counts in zip(total, test.confusion_matrix, strict=True):
                row[:] = map(int.__add__, row, counts)
        return total

    def figures(self, classes: int) -> dict[str, Any]:
        """All of them, JSON-ready."""
        return {
            "n": self.n,
            "accuracy": self.accuracy.to_dict(),
            "macro_f1": self.macro_f1.to_dict(),
            "batch_mean_f1": self.batch_mean_f1.to_dict(),
            "validation_macro_f1": self.validation_macro_f1,
            "confusion_matrix": self.summed_confusion_matrix(classes),
        }


def select(results: Mapping[str, TrialResult | None], candidates: Sequence[Sequence[str]]) -> int:
    """The candidate with the best validation macro-F1, averaged over its seeds.

    Trials that did not finish count as 0, so that a lucky seed cannot select a
    learning rate that mostly diverges. The first of equals wins.

    Args:
        results: of trials, by their ids.
        candidates: ids of each one's trials, at least one.

    Returns:
        The number of the candidate.
    """

    def score(number: int) -> float:
        found = (results.get(trial) for trial in candidates[number])
        return statistics.fmean(0.0 if result is None else result.score for result in found)

    return max(range(len(candidates)), key=score)
