"""What simple classifiers reached on the rows of a run, summed up from its records."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from experiments.errors import MISSHAPEN, RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.seed_values import Spread
from experiments.runs.validation import number, of_type, share, summed_counts


@dataclass(frozen=True)
class BaselineResult:
    """A baseline's figures over its fits.

    Args:
        name: of the baseline.
        what: it is, with its settings, in a phrase.
        seeds: of its fits; None where it draws nothing at random, so that one is all.
        n: fits; none where it failed.
        accuracy, macro_f1, batch_mean_f1: on the test rows, over the n fits.
        validation_macro_f1: mean over the n fits.
        confusion_matrix: rows true, columns predicted, summed over the n fits.
        seconds: mean of what a fit took.
        failure: why it could not be fitted; empty where it was.
    """

    name: str
    what: str
    seeds: tuple[int, ...] | None
    n: int
    accuracy: Spread
    macro_f1: Spread
    batch_mean_f1: Spread
    validation_macro_f1: float | None
    confusion_matrix: list[list[int]]
    seconds: float | None
    failure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "name": self.name,
            "what": self.what,
            "seeds": None if self.seeds is None else list(self.seeds),
            "n": self.n,
            "accuracy": self.accuracy.to_dict(),
            "macro_f1": self.macro_f1.to_dict(),
            "batch_mean_f1": self.batch_mean_f1.to_dict(),
            "validation_macro_f1": self.validation_macro_f1,
            "confusion_matrix": self.confusion_matrix,
            "seconds": self.seconds,
            "failure": self.failure,
        }


def read(run: RunDirectory, classes: int) -> tuple[BaselineResult, ...]:
    """The baselines of a run, in the order of their record; none where none are recorded.

    Args:
        run: its directory.
        classes: number of genres.

    Raises:
        RunError: the record is damaged.
    """
    record = run.read_baselines()
    if record is None:
        return ()
    try:
        baselines = of_type(list, record["baselines"])
        return tuple(_baseline(of_type(dict, baseline), classes) for baseline in baselines)
    except MISSHAPEN as error:
        raise RunError(
            f"the baselines' record in {run.path} is damaged ({error!r:.80}). python -m "
            f"experiments resume {run.path.name} fits them anew."
        ) from error


def _baseline(baseline: dict[str, Any], classes: int) -> BaselineResult:
    seeds: tuple[int, ...] | None = None
    if baseline["seeds"] is not None:
        seeds = tuple(of_type(int, seed) for seed in of_type(list, baseline["seeds"]))
    fits = [of_type(dict, fit) for fit in of_type(list, baseline["fits"])]
    failure = of_type(str, baseline["failure"])
    expected = 0 if failure else 1 if seeds is None else len(seeds)
    if len(fits) != expected:
        raise ValueError(f"{len(fits)} fits, expected {expected}")
    tests = [of_type(dict, fit["test"]) for fit in fits]
    validation = [share(of_type(dict, fit["validation"])["macro_f1"]) for fit in fits]

    def spread(name: str) -> Spread:
        return Spread(tuple(share(test[name]) for test in tests))

    return BaselineResult(
        name=of_type(str, baseline["name"]),
        what=of_type(str, baseline["what"]),
        seeds=seeds,
        n=len(fits),
        accuracy=spread("accuracy"),
        macro_f1=spread("macro_f1"),
        batch_mean_f1=spread("batch_mean_f1"),
        validation_macro_f1=statistics.fmean(validation) if validation else None,
        confusion_matrix=summed_counts((test["confusion_matrix"] for test in tests), classes),
        seconds=statistics.fmean(number(fit["seconds"]) for fit in fits) if fits else None,
        failure=failure,
    )
