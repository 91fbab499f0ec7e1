"""Statistics of a run's results: intervals, comparisons, the answer to its question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from experiments.results.run_result import RunResult, Spread, VariantResult
from experiments.runs.predictions import Predictions, baselines_of, predictions_by_seed
from experiments.statistics.answer import Answer, answer
from experiments.statistics.cluster_bootstrap import (
    ClusterBootstrap,
    Clusters,
    RowComparison,
    clusters_of,
)
from experiments.statistics.intervals import Interval, mean_interval
from experiments.statistics.paired_tests import McNemar, mcnemar


@dataclass(frozen=True)
class VariantIntervals:
    """Confidence intervals of a variant's test figures: over seeds, and over the choice of rows.

    In cross-validation over folds instead of seeds. None for too few of them, or clusters of rows.
    """

    accuracy: Interval | None
    macro_f1: Interval | None
    accuracy_on_rows: Interval | None
    macro_f1_on_rows: Interval | None


@dataclass(frozen=True)
class BaselineComparison:
    """The best variant's first seed, on all folds, compared with a baseline on the same test rows.

    The comparison of accuracies is positive where the network is better.
    """

    baseline: str
    comparison: RowComparison
    mcnemar: McNemar


@dataclass(frozen=True)
class Analysis:
    """Statistics of a run's results.

    Args:
        answer: by test macro-F1; None before any variant was tested.
        intervals: by variant.
        clusters: of test rows, for resampling; None without predictions.
        best: name of the best variant on validation.
        baselines: its comparisons with them.
    """

    answer: Answer | None
    intervals: Mapping[str, VariantIntervals]
    clusters: Clusters | None
    best: str | None
    baselines: tuple[BaselineComparison, ...]

    @property
    def sentence(self) -> str:
        """The answer as a sentence."""
        return self.answer.sentence if self.answer else "Nothing was tested yet."

    @property
    def unit(self) -> str:
        """Number and kind of the clusters, such as "15 tracks", or ""."""
        return str(self.clusters) if self.clusters else ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "answer": None if self.answer is None else self.answer.to_dict(),
            "intervals": {name: asdict(found) for name, found in self.intervals.items()},
            "rows_resampled_by": self.unit,
            "best": self.best,
            "baselines": [
                {
                    "baseline": one.baseline,
                    "accuracy": asdict(one.comparison),
                    "mcnemar": asdict(one.mcnemar),
                }
                for one in self.baselines
            ],
        }


def analyse(result: RunResult) -> Analysis:
    """Analyse a run's results so far.

    Raises:
        RunError: predictions are damaged.
    """
    tested = [variant for variant in result.variants if variant.n]
    predictions = {variant.name: recorded_predictions(result, variant) for variant in tested}
    first = next((found[0] for found in predictions.values() if found), None)
    clusters = None if first is None else clusters_of(first.label, first.track)
    bootstrap = ClusterBootstrap(first.label, clusters) if first and clusters else None
    figures = {variant.name: variant.macro_f1.by_replicate for variant in result.variants}
    best = result.best
    return Analysis(
        answer(figures) if tested else None,
        {
            variant.name: _intervals(variant, predictions[variant.name], bootstrap)
            for variant in tested
        },
        clusters,
        best.name if best else None,
        _against(result, predictions[best.name], bootstrap) if best and bootstrap else (),
    )


def recorded_predictions(result: RunResult, variant: VariantResult) -> list[Predictions]:
    """Predictions of a variant's seeds, without those that were not recorded.

    In cross-validation those of all rows, so that those of all variants are of the same.
    """
    trials = (one.trial for one in variant.tested_trials)
    found = predictions_by_seed(result.run, trials, len(result.genres))
    rows = sum(result.manifest.dataset.rows.values())
    return [one for one in found if not result.folds or len(one.label) == rows]


def _intervals(
    variant: VariantResult, found: list[Predictions], bootstrap: ClusterBootstrap | None
) -> VariantIntervals:
    over_seeds = interval_of(variant.accuracy), interval_of(variant.macro_f1)
    if bootstrap is None or not found:
        return VariantIntervals(*over_seeds, None, None)
    predicted = np.stack([each.predicted for each in found])
    on_rows = bootstrap.interval(predicted, "accuracy"), bootstrap.interval(predicted, "macro_f1")
    return VariantIntervals(*over_seeds, *on_rows)


def interval_of(figure: Spread) -> Interval | None:
    """The interval of a figure's mean over seeds or folds."""
    return mean_interval(figure.independent, folds=figure.folds)


def _against(
    result: RunResult, predictions: list[Predictions], bootstrap: ClusterBootstrap
) -> tuple[BaselineComparison, ...]:
    if not predictions:
        return ()
    ours, recorded, compared = predictions[0], baselines_of(result.run), []
    for baseline in result.baselines:
        fits = recorded.get(baseline.name)
        if fits is None or fits.ndim != 2 or not len(fits) or len(fits[0]) != len(ours.label):
            continue
        rows = bootstrap.compare(fits[0], ours.predicted)
        test = mcnemar(ours.label, fits[0], ours.predicted)
        compared.append(BaselineComparison(baseline.name, rows, test))
    return tuple(compared)
