"""Figures of simple classifiers on the rows of a run, as baselines/result.json holds them."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Annotated, Any, Self

from experiments.runs.trial_result import Scores, Spread, TestScores, added
from experiments.runs.validation import Matrix, Record, Seconds, Text, count, each, or_none


@dataclass(frozen=True)
class BaselineFit(Record):
    """One fit of a baseline.

    Args:
        seconds: that it took.
        validation, test: figures of the rows that it was not fitted on.
    """

    seconds: Seconds
    validation: Annotated[Scores, Scores.from_dict]
    test: Annotated[TestScores, TestScores.from_dict]


@dataclass(frozen=True)
class BaselineResult(Record):
    """A baseline and its fits.

    Args:
        name: of the baseline.
        what: it is, with its settings, in a phrase.
        seeds: of its fits; None where it draws nothing at random, so that one is all.
        fits: one a seed; none where it failed.
        failure: why it could not be fitted; empty where it was.
    """

    REQUIRED = ("fits", "failure")

    name: Text
    what: Text
    seeds: Annotated[tuple[int, ...] | None, or_none(each(count))]
    fits: Annotated[tuple[BaselineFit, ...], each(BaselineFit.from_dict)] = ()
    failure: Text = ""

    @property
    def n(self) -> int:
        """Number of fits."""
        return len(self.fits)

    @property
    def accuracy(self) -> Spread:
        """On the test rows, over the fits."""
        return Spread(tuple(fit.test.accuracy for fit in self.fits))

    @property
    def macro_f1(self) -> Spread:
        """On the test rows, over the fits."""
        return Spread(tuple(fit.test.macro_f1 for fit in self.fits))

    @property
    def batch_mean_f1(self) -> Spread:
        """On the test rows, over the fits; averaged over batches as source A does."""
        return Spread(tuple(fit.test.batch_mean_f1 for fit in self.fits))

    @property
    def validation_macro_f1(self) -> float | None:
        """Mean over the fits; None without any."""
        return Spread(tuple(fit.validation.macro_f1 for fit in self.fits)).mean

    @property
    def seconds(self) -> float | None:
        """Mean of what a fit took; None without any."""
        return statistics.fmean(fit.seconds for fit in self.fits) if self.fits else None

    def confusion_matrix(self, classes: int) -> Matrix:
        """Summed over the fits: rows true, columns predicted."""
        return added((fit.test.confusion_matrix for fit in self.fits), classes)

    def summary(self, classes: int) -> dict[str, Any]:
        """Its figures over the fits, JSON-ready.

        Args:
            classes: number of genres.
        """
        return {
            "name": self.name,
            "what": self.what,
            "seeds": None if self.seeds is None else list(self.seeds),
            "n": self.n,
            "accuracy": self.accuracy.to_dict(),
            "macro_f1": self.macro_f1.to_dict(),
            "batch_mean_f1": self.batch_mean_f1.to_dict(),
            "validation_macro_f1": self.validation_macro_f1,
            "confusion_matrix": self.confusion_matrix(classes),
            "seconds": self.seconds,
            "failure": self.failure,
        }

    @classmethod
    def from_dict(cls, plain: Any) -> Self:
        """The result that `to_dict` made `plain` of; raises as `Record.from_dict`."""
        result = super().from_dict(plain)
        expected = 0 if result.failure else 1 if result.seeds is None else len(result.seeds)
        if len(result.fits) != expected:
            raise ValueError(f"{len(result.fits)} fits, expected {expected}")
        return result
