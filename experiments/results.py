"""What came of a run, summed up from its records."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from experiments.errors import RunError
from experiments.records import RunDirectory


@dataclass(frozen=True)
class Spread:
    """A figure over seeds: shares between 0 and 1, in the order of the seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """None without values."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None with fewer than two values."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"mean": self.mean, "std": self.std, "values": list(self.values)}


@dataclass(frozen=True)
class VariantResult:
    """A variant's test figures over its seeds.

    Args:
        name: of the variant.
        learning_rate: that was trained, or that validation selected.
        selected_from: number of learning rates tried.
        n: trials that finished and were tested.
        planned: trials that there should be.
        diverged, failed: trials that ended so.
        accuracy, macro_f1, batch_mean_f1: over the n trials.
        validation_macro_f1: mean over the n trials, at the epoch that was kept.
        confusion_matrix: rows true, columns predicted, summed over the n trials.
        documented: what the sources report, where the dataset is theirs.
        note: on the documented protocol.
    """

    name: str
    learning_rate: float
    selected_from: int
    n: int
    planned: int
    diverged: int
    failed: int
    accuracy: Spread
    macro_f1: Spread
    batch_mean_f1: Spread
    validation_macro_f1: float | None
    confusion_matrix: list[list[int]]
    documented: list[dict[str, Any]]
    note: str


@dataclass(frozen=True)
class RunResult:
    """A run's facts and its variants' results."""

    facts: dict[str, Any]
    run: RunDirectory
    variants: tuple[VariantResult, ...]

    @property
    def genres(self) -> list[str]:
        """Class names in label order."""
        return list(self.facts["dataset"]["genres"])

    @property
    def best(self) -> VariantResult | None:
        """The variant with the best mean validation macro-F1; None if none finished."""
        tested = [variant for variant in self.variants if variant.n]
        return max(tested, key=lambda variant: variant.validation_macro_f1 or 0.0, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The object that `run --json` prints."""
        dataset = self.facts["dataset"]
        return {
            "study": self.facts["study"],
            "protocol": self.facts["protocol"],
            "dataset": {"name": dataset["name"], "content_sha256": dataset["content_sha256"]},
            "run": str(self.run.path),
            "genres": self.genres,
            "variants": [
                {
                    "name": variant.name,
                    "n": variant.n,
                    "accuracy": variant.accuracy.to_dict(),
                    "macro_f1": variant.macro_f1.to_dict(),
                    "batch_mean_f1": variant.batch_mean_f1.to_dict(),
                    "validation_macro_f1": variant.validation_macro_f1,
                    "confusion_matrix": variant.confusion_matrix,
                    "learning_rate": variant.learning_rate,
                    "planned": variant.planned,
                    "diverged": variant.diverged,
                    "failed": variant.failed,
                    "documented": variant.documented,
                }
                for variant in self.variants
            ],
            "best": self.best.name if self.best else None,
        }


def collect(run: RunDirectory) -> RunResult:
    """Sum a run's records up.

    Raises:
        RunError: a record is missing or damaged.
    """
    facts = run.read_run()
    try:
        classes = len(facts["dataset"]["genres"])
        variants = tuple(_variant(run, variant, classes) for variant in facts["variants"])
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise RunError(f"the records of {run.path} are damaged ({error!r}).") from error
    return RunResult(facts, run, variants)


def _variant(run: RunDirectory, variant: dict[str, Any], classes: int) -> VariantResult:
    candidates = [
        (candidate["learning_rate"], [run.read_result(trial) for trial in candidate["trials"]])
        for candidate in variant["candidates"]
    ]
    # Of several candidates only the selected one has been tested.
    learning_rate, results = max(
        candidates, key=lambda candidate: sum(bool(r and r["test"]) for r in candidate[1])
    )
    tested = [result for result in results if result and result["test"]]
    confusion = [[0] * classes for _ in range(classes)]
    for result in tested:
        for i, row in enumerate(result["test"]["confusion_matrix"]):
            for j, count in enumerate(row):
                confusion[i][j] += count

    def spread(name: str) -> Spread:
        return Spread(tuple(float(result["test"][name]) for result in tested))

    validation = [float(result["validation"]["macro_f1"]) for result in tested]
    states = [result["status"] for result in results if result]
    return VariantResult(
        name=variant["name"],
        learning_rate=learning_rate,
        selected_from=len(candidates),
        n=len(tested),
        planned=len(results),
        diverged=states.count("diverged"),
        failed=states.count("failed"),
        accuracy=spread("accuracy"),
        macro_f1=spread("macro_f1"),
        batch_mean_f1=spread("batch_mean_f1"),
        validation_macro_f1=statistics.fmean(validation) if validation else None,
        confusion_matrix=confusion,
        documented=variant["documented"],
        note=variant["note"],
    )
