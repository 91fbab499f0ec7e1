"""Comparison of runs with the first: differing settings, and figures of the same variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.design.config_paths import flatten_config
from experiments.design.plan import by_fold
from experiments.errors import RunError
from experiments.results.analysis import recorded_predictions
from experiments.results.number_format import between, p_value, points
from experiments.results.run_result import RunResult, VariantResult, collect
from experiments.runs.directory import RunDirectory
from experiments.runs.predictions import Predictions
from experiments.statistics.cluster_bootstrap import ClusterBootstrap, RowComparison, clusters_of
from experiments.statistics.paired_tests import (
    McNemar,
    SeedComparison,
    compare_replicates,
    mcnemar,
)

_NONE = "-"


@dataclass(frozen=True)
class Difference:
    """A setting, such as "seeds" or "adam: training.epochs", and its value in each run."""

    what: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class DifferenceToFirst:
    """Test figures of a later run minus those of the first, for one variant, on common replicates.

    None with too few common seeds or folds.
    """

    accuracy: SeedComparison | None
    macro_f1: SeedComparison | None


@dataclass(frozen=True)
class VariantComparison:
    """A variant in each run.

    Args:
        name: of the variant.
        results: for each run; None if it has no such variant.
        to_first: for each run; None for the first, and if either lacks the variant or the datasets
            differ.
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
        resampled_by: number and kind of the clusters, such as "68 tracks".
        mcnemar: of each run's first seed; `a` is the first run.
    """

    run: int
    first: str
    other: str
    accuracy: RowComparison
    resampled_by: str
    mcnemar: McNemar

    @property
    def sentence(self) -> str:
        """The comparison as a sentence."""
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
        differences: of their settings.
        variants: of all runs, those of the first run before others.
        best: comparisons of the best variants, for runs with the same test rows.
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
            "differences": [asdict(one) for one in self.differences],
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
        _compare_best(results),
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
    return DifferenceToFirst(
        compare_replicates(first.accuracy.by_replicate, other.accuracy.by_replicate),
        compare_replicates(first.macro_f1.by_replicate, other.macro_f1.by_replicate),
    )


def _compare_best(results: Sequence[RunResult]) -> tuple[BestOnRows, ...]:
    first, ours = results[0].best, _best_predictions(results[0])
    if first is None or not ours:
        return ()
    label = ours[0].label
    clusters = clusters_of(label, ours[0].track)
    bootstrap = ClusterBootstrap(label, clusters)
    found = []
    for index, result in enumerate(results[1:], 1):
        best, theirs = result.best, _best_predictions(result)
        same = result.content_sha256 == results[0].content_sha256
        if best and theirs and same and np.array_equal(theirs[0].label, label):
            a, b = (np.stack([one.predicted for one in some]) for some in (ours, theirs))
            rows, test = bootstrap.compare(a, b), mcnemar(label, a[0], b[0])
            found.append(BestOnRows(index, first.name, best.name, rows, str(clusters), test))
    return tuple(found)


def _best_predictions(result: RunResult) -> list[Predictions]:
    return recorded_predictions(result, result.best) if result.best else []


def differences(results: Sequence[RunResult]) -> Iterator[Difference]:
    """Settings that are not equal in all runs."""
    yield from _unlike([_settings(result) for result in results], "")
    for name in dict.fromkeys(variant.name for result in results for variant in result.variants):
        configs = [_config(result, name) for result in results]
        if all(configs):
            yield from _unlike(configs, f"{name}: ")


def _unlike(fields: Sequence[Mapping[str, str]], begin: str) -> Iterator[Difference]:
    for what in dict.fromkeys(name for one in fields for name in one):
        values = tuple(one.get(what, _NONE) for one in fields)
        if len(set(values)) > 1:
            yield Difference(f"{begin}{what}", values)


def _settings(result: RunResult) -> dict[str, str]:
    """Settings of a run, without its variants."""
    return {
        "study": result.study,
        "protocol": result.protocol,
        "state": result.state,
        "dataset": result.dataset,
        "dataset's content": result.content_sha256[:12],
        "seeds": ", ".join(str(seed) for seed in result.manifest.seeds),
        "folds": f"{fold.of} by {fold.group}" if (fold := result.manifest.folds[0]) else _NONE,
        "left out": " ".join(result.manifest.left_out) or _NONE,
        **result.machine,
    }


def _config(result: RunResult, name: str) -> dict[str, str]:
    """A variant's config, field by field; empty where the run has no such variant."""
    for variant in result.manifest.variants:
        if variant.name == name:
            rates = [f"{one.learning_rate:g}" for one in by_fold(variant.candidates)[0]]
            trial = variant.candidates[0].trials[0].to_dict()
            flat = dict(flatten_config({part: trial[part] for part in ("network", "training")}))
            return flat | {"training.learning_rate": ", ".join(rates)}
    return {}
