"""Figures of simple classifiers on the rows of a run, as baselines/result.json holds them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from experiments.runs.seed_values import Spread
from experiments.runs.trial_result import Matrix, Scores, TestScores, added
from experiments.runs.validation import count, of_type, optional, seconds


@dataclass(frozen=True)
class BaselineFit:
    """One fit of a baseline.

    Args:
        seconds: that it took.
        validation, test: figures of the rows that it was not fitted on.
    """

    seconds: float
    validation: Scores
    test: TestScores

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "seconds": self.seconds,
            "validation": asdict(self.validation),
            "test": self.test.to_dict(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], classes: int | None) -> BaselineFit:
        """The fit that `to_dict` made `plain` of."""
        return cls(
            seconds(plain["seconds"]),
            Scores.from_dict(of_type(dict, plain["validation"])),
            TestScores.from_dict(of_type(dict, plain["test"]), classes),
        )


@dataclass(frozen=True)
class BaselineResult:
    """A baseline and its fits.

    Args:
        name: of the baseline.
        what: it is, with its settings, in a phrase.
        seeds: of its fits; None where it draws nothing at random, so that one is all.
        fits: one a seed; none where it failed.
        failure: why it could not be fitted; empty where it was.
    """

    name: str
    what: str
    seeds: tuple[int, ...] | None
    fits: tuple[BaselineFit, ...] = ()
    failure: str = ""

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

    def to_dict(self) -> dict[str, Any]:
        """As the record holds it, JSON-ready."""
        return {
            "name": self.name,
            "what": self.what,
            "seeds": None if self.seeds is None else list(self.seeds),
            "failure": self.failure,
            "fits": [fit.to_dict() for fit in self.fits],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], classes: int | None = None) -> BaselineResult:
        """The result that `to_dict` made `plain` of.

        Args:
            plain: from JSON.
            classes: number of genres; None where it is not known.

        Raises:
            LookupError, TypeError, ValueError: `plain` is damaged.
        """
        seeds = optional(lambda s: tuple(count(n) for n in of_type(list, s)), plain["seeds"])
        fits = [of_type(dict, fit) for fit in of_type(list, plain["fits"])]
        failure = of_type(str, plain["failure"])
        expected = 0 if failure else 1 if seeds is None else len(seeds)
        if len(fits) != expected:
            raise ValueError(f"{len(fits)} fits, expected {expected}")
        return cls(
            of_type(str, plain["name"]),
            of_type(str, plain["what"]),
            seeds,
            tuple(BaselineFit.from_dict(fit, classes) for fit in fits),
            failure,
        )
