"""Figures of simple classifiers on the rows of a run, as baselines/result.json holds them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from experiments.runs.trial_result import FiguresOverSeeds, Scores, TestScores
from experiments.runs.validation import CountOrNone, Record, Seconds, Text, count, each, or_none
from experiments.statistics.replicates import Replicate


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
class BaselineResult(Record, FiguresOverSeeds):
    """A baseline and its fits.

    Args:
        name: of the baseline.
        what: it is, with its settings, in a phrase.
        seeds: of its fits; None where it draws nothing at random, so that one is all.
        fits: one a seed, of one fold after the other; none where it failed.
        failure: why it could not be fitted; empty where it was.
        folds: their number; None where there are none.
    """

    REQUIRED = ("fits", "failure")

    name: Text
    what: Text
    seeds: Annotated[tuple[int, ...] | None, or_none(each(count))]
    fits: Annotated[tuple[BaselineFit, ...], each(BaselineFit.from_dict)] = ()
    failure: Text = ""
    folds: CountOrNone = None

    @property
    def scores(self) -> Sequence[tuple[Scores, TestScores]]:
        """Of each fit, those on the validation and on the test rows."""
        return [(fit.validation, fit.test) for fit in self.fits]

    @property
    def replicates(self) -> Sequence[Replicate]:
        """Which fit each of the scores is of."""
        seeds, folds = self.seeds or (0,), self.folds
        if folds is None:
            return seeds
        return [((number, folds, ""), seed) for number in range(1, folds + 1) for seed in seeds]

    @property
    def seconds(self) -> float | None:
        """Mean of what a fit took; None without any."""
        return statistics.fmean(fit.seconds for fit in self.fits) if self.fits else None

    def summary(self, classes: int) -> dict[str, Any]:
        """Its figures over the fits, JSON-ready.

        Args:
            classes: number of genres.
        """
        return {
            "name": self.name,
            "what": self.what,
            "seeds": None if self.seeds is None else list(self.seeds),
            **self.figures(classes),
            "seconds": self.seconds,
            "failure": self.failure,
        }

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        plain = super().to_dict()
        return plain if self.folds else {k: v for k, v in plain.items() if k != "folds"}

    @classmethod
    def from_dict(cls, plain: Any) -> Self:
        """The result that `to_dict` made `plain` of; raises as `Record.from_dict`."""
        result = super().from_dict(plain)
        expected = 0 if result.failure else len(result.seeds or [None]) * (result.folds or 1)
        if len(result.fits) != expected:
            raise ValueError(f"{len(result.fits)} fits, expected {expected}")
        return result
