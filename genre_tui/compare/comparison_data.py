"""Data of the screen Compare, for threads: it imports NumPy and SciPy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from experiments.export.csv_files import csv_text
from experiments.results.run_result import RunResult, VariantResult, collect
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.directory import RunDirectory

if TYPE_CHECKING:
    from experiments.report.dot_plot import DotPlotLayout
    from experiments.results.analysis import Analysis
    from experiments.results.comparison import RunComparison

Figure = Literal["macro_f1", "accuracy"]
FIGURES: dict[Figure, str] = {"macro_f1": "macro-F1", "accuracy": "accuracy"}


@dataclass(frozen=True)
class SingleRun:
    """The results of one run and their analysis.

    Args:
        analysis: None while it is computed.
        problem: why there is no analysis, a sentence, or "".
    """

    result: RunResult
    analysis: Analysis | None
    plots: Mapping[Figure, DotPlotLayout]
    problem: str = ""


@dataclass(frozen=True)
class SeveralRuns:
    """The comparison of each of several runs with the first."""

    compared: RunComparison
    plots: Mapping[Figure, DotPlotLayout]


def ordered(result: RunResult, figure: Figure) -> list[VariantResult]:
    """The variants by mean, the best first; those without results last, in the study's order."""
    return sorted(result.variants, key=lambda variant: -_mean(variant, figure))


def documented(variant: VariantResult, figure: Figure) -> list[tuple[str, float]]:
    """Published figures in per cent by source; of F1 only macro-F1."""
    if figure == "accuracy":
        return [(one.source, one.accuracy) for one in variant.published]
    return [(one.source, one.f1) for one in variant.published if one.f1_kind == "macro"]


def read_run(run: RunDirectory) -> SingleRun:
    """Read a run's results, without their analysis; raises RunError where a record is damaged."""
    result = collect(run)
    return SingleRun(result, None, _plots(result, None))


def analysed(one: SingleRun) -> SingleRun:
    """Add the analysis; raises RunError where predictions are damaged."""
    from experiments.results.analysis import analyse

    analysis = analyse(one.result)
    return SingleRun(one.result, analysis, _plots(one.result, analysis))


def compare_runs(runs: Sequence[RunDirectory]) -> SeveralRuns:
    """Compare at least two runs; raises RunError where a record is damaged."""
    from experiments.report.dot_plot import lay_out, variant_entry
    from experiments.results.analysis import interval_of
    from experiments.results.comparison import compare

    compared = compare(runs)
    plots: dict[Figure, DotPlotLayout] = {}
    for figure, what in FIGURES.items():
        entries = []
        for common in compared.variants:
            for number, found in enumerate(common.results, 1):
                if found is not None and found.n:
                    interval = interval_of(getattr(found, figure))
                    name = f"{number} {common.name}"
                    entries.append(variant_entry(name, found, figure, interval))
        plots[figure] = lay_out(f"{what} %", entries, compared.results[0].unit)
    return SeveralRuns(compared, plots)


def _plots(result: RunResult, analysis: Analysis | None) -> dict[Figure, DotPlotLayout]:
    from experiments.report.dot_plot import plot_run

    return {f: plot_run(result, analysis, f, ordered(result, f)) for f in FIGURES}


def _mean(variant: VariantResult | BaselineResult, figure: Figure) -> float:
    mean: float | None = getattr(variant, figure).mean
    return -1.0 if mean is None else mean


def statistics_json(shown: SingleRun | SeveralRuns) -> str:
    """All computed values as JSON."""
    if isinstance(shown, SeveralRuns):
        plain = shown.compared.to_dict()
    else:
        plain = shown.result.to_dict()
        plain["statistics"] = shown.analysis.to_dict() if shown.analysis else None
    return json.dumps(plain, indent=1) + "\n"


def comparison_csv(shown: SingleRun | SeveralRuns) -> str:
    """A line for each run and variant: metrics as shares, with intervals where they are known."""
    results = shown.compared.results if isinstance(shown, SeveralRuns) else (shown.result,)
    analysis = None if isinstance(shown, SeveralRuns) else shown.analysis
    kinds = ("mean", "std", "low", "high", "rows_low", "rows_high")
    columns = ["run", "dataset", "variant", "n", "learning_rate"]
    columns += [f"{figure}_{kind}" for figure in FIGURES for kind in kinds]
    rows = []
    for result in results:
        for variant in result.variants:
            row: list[object] = [result.run.name, result.dataset, variant.name, variant.n]
            row.append(variant.learning_rate)
            of_variant = analysis.intervals.get(variant.name) if analysis else None
            for figure in FIGURES:
                spread = getattr(variant, figure)
                row += [spread.mean, spread.std]
                for name in (figure, f"{figure}_on_rows"):
                    found = getattr(of_variant, name) if of_variant else None
                    row += [found.low, found.high] if found else [None, None]
            rows.append(row)
    return csv_text(columns, rows)
