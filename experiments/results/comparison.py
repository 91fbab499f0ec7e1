"""Comparison of runs: their differences, and figures of the same variants.

All runs are compared with the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.errors import RunError
from experiments.results.differences import Difference, differences
from experiments.results.number_format import between, p_value, points
from experiments.results.run_result import RunResult, VariantResult, collect
from experiments.runs.directory import RunDirectory
from experiments.runs.predictions import Predictions, predictions_of
from experiments.statistics.cluster_bootstrap import ClusterBootstrap, RowComparison, clusters_of
from experiments.statistics.paired_tests import (
    McNemar,
    SeedComparison,
    compare_over_seeds,
    mcnemar,
)


@dataclass(frozen=True)
class DifferenceToFirst:
    """A variant of a later run compared with the same variant of the first, on common seeds.

    Args:
        accuracy, macro_f1: of the test rows, later minus first; None with too few common seeds.
    """

    accuracy: SeedComparison | None
    macro_f1: SeedComparison | None


@dataclass(frozen=True)
class VariantComparison:
    """A variant in each run.

    Args:
        name: of the variant.
        results: one for each run; None where the run has no such variant.
        to_first: one for each run; None for the first run, and where either lacks the variant or
            the datasets differ.
    """

    name: str
    results: tuple[VariantResult | None, ...]
    to_first: tuple[DifferenceToFirst | None, ...]


@dataclass(frozen=True)
class BestOnRows:
    """The best variant of a later run compared with that of the first, on the same test rows.

    Args:
        run: index of the later run.
        first, other: the variants' names.
        accuracy: later minus first, mean over seeds.
        resampled_by: number and kind of the resampled clusters, such as "68 tracks".
        mcnemar: test of each run's first seed; `a` is the first run.
    """

    run: int
    first: str
    other: str
    accuracy: RowComparison
    resampled_by: str
    mcnemar: McNemar

    @property
    def sentence(self) -> str:
        """The comparison in words."""
        interval = between(self.accuracy.interval, signed=True)
        certainty = f" (95 % interval {interval}, p {p_value(self.accuracy.p)})"
        return (
            f"Best on validation, on the same test rows: {self.other} of run {self.run + 1} minus "
            f"{self.first} of run 1 is {points(self.accuracy.difference)} points of accuracy"
            f"{certainty if self.accuracy.interval else ''}, resampling {self.resampled_by}. Of "
            f"the first seeds, run {self.run + 1} alone is right on {self.mcnemar.only_b} rows, "
            f"run 1 alone on {self.mcnemar.only_a}; McNemar's p {p_value(self.mcnemar.p)} takes "
            "segments for independent."
        )


@dataclass(frozen=True)
class RunComparison:
    """Several runs compared with the first.

    Args:
        results: of the runs.
        differences: between the runs' records.
        variants: of all runs, those of the first run before others.
        best: comparisons on the same test rows, for runs that have them.
    """

    results: tuple[RunResult, ...]
    differences: tuple[Difference, ...]
    variants: tuple[VariantComparison, ...]
    best: tuple[BestOnRows, ...]

    @property
    def share_dataset(self) -> bool:
        """Whether all runs used the same rows, so that their figures are comparable."""
        return len({result.content_sha256 for result in self.results}) == 1

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "runs": [result.to_dict() for result in self.results],
            "same_dataset": self.share_dataset,
            "differences": [
                {"what": one.what, "values": list(one.values)} for one in self.differences
            ],
            "variants": [
                {
                    "name": common.name,
                    "in_runs": [result is not None for result in common.results],
                    "against_first": [against and asdict(against) for against in common.to_first],
                }
                for common in self.variants
            ],
            "best": [asdict(one) for one in self.best],
        }


def compare(runs: Sequence[RunDirectory]) -> RunComparison:
    """Compare runs.

    Args:
        runs: at least two.

    Raises:
        RunError: a run is named twice, or a record is missing or damaged.
    """
    places = [run.path.resolve() for run in runs]
    for run, place in zip(runs, places, strict=True):
        if places.count(place) > 1:
            raise RunError(f"{run.name} is named twice: compare it with another run.")
    results = tuple(collect(run) for run in runs)
    names = dict.fromkeys(variant.name for result in results for variant in result.variants)
    return RunComparison(
        results,
        tuple(differences(results)),
        tuple(_common(name, results) for name in names),
        _best(results),
    )


def _common(name: str, results: Sequence[RunResult]) -> VariantComparison:
    found = tuple(
        next((variant for variant in result.variants if variant.name == name), None)
        for result in results
    )
    first = found[0]
    against: list[DifferenceToFirst | None] = [None]
    for result, other in zip(results[1:], found[1:], strict=True):
        same = result.content_sha256 == results[0].content_sha256
        against.append(_against(first, other) if first and other and same else None)
    return VariantComparison(name, found, tuple(against))


def _against(first: VariantResult, other: VariantResult) -> DifferenceToFirst:
    def of(figure: Any) -> SeedComparison | None:
        before, after = first.by_seed(figure), other.by_seed(figure)
        seeds = [seed for seed in before if seed in after]
        return compare_over_seeds([before[s] for s in seeds], [after[s] for s in seeds])

    return DifferenceToFirst(of("accuracy"), of("macro_f1"))


def _best(results: Sequence[RunResult]) -> tuple[BestOnRows, ...]:
    first = _predicted(results[0])
    if first is None:
        return ()
    label, track = first[0].label, first[0].track
    clusters = clusters_of(label, track)
    bootstrap = ClusterBootstrap(label, clusters)
    found = []
    for place, result in enumerate(results[1:], 1):
        other = _predicted(result)
        same = result.content_sha256 == results[0].content_sha256
        if other is None or not same or not np.array_equal(other[0].label, label):
            continue
        ours, theirs = (np.stack([one.predicted for one in some]) for some in (first, other))
        found.append(
            BestOnRows(
                place,
                _best_name(results[0]),
                _best_name(result),
                bootstrap.compare(ours, theirs),
                str(clusters),
                mcnemar(label, ours[0], theirs[0]),
            )
        )
    return tuple(found)


def _best_name(result: RunResult) -> str:
    return result.best.name if result.best else ""


def _predicted(result: RunResult) -> list[Predictions] | None:
    """Recorded predictions of the best variant's trials; None without any."""
    best = result.best
    if best is None:
        return None
    read = (predictions_of(result.run, trial, len(result.genres)) for trial in best.trials)
    return [one for one in read if one is not None] or None
