"""Comparisons as text: of several runs, and of one run's variants."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from data.terminal.console import table
from experiments.results.analysis import Analysis
from experiments.results.comparison import DifferenceToFirst, RunComparison
from experiments.results.number_format import between, mean_std, p_value, points, signed
from experiments.results.run_result import RunResult
from experiments.statistics.cluster_bootstrap import RowComparison
from experiments.statistics.paired_tests import SeedComparison

PAIRING = {
    "seed": "paired by seed",
    "fold": "paired by fold and seed, of which the folds count",
}
_LONGEST = 40  # characters of a value that differs


def comparison_view(compared: RunComparison) -> Group:
    """What differs between runs, their figures beside each other, and their best variants."""
    parts: list[RenderableType] = []
    for number, result in enumerate(compared.results, 1):
        demo = ", DEMO DATA" if result.is_demo else ""
        parts.append(Text(f"{number}  {result.run.name}: {result.protocol}, {result.state}{demo}"))
    if not compared.share_dataset:
        parts += [
            Text(),
            Text(
                "Warning: these runs are about different rows. Their figures are not comparable.",
                style="bold",
            ),
        ]
    parts += [Text(), *differences(compared), Text(), _figures(compared)]
    for one in compared.best:
        parts += [Text(), Text(one.sentence)]
    return Group(*parts)


def analysis_view(result: RunResult, analysis: Analysis) -> Group:
    """One run: its answer, each two of its variants, and its best beside the baselines."""
    parts: list[RenderableType] = [Text(result.manifest.question, style="bold")]
    parts.append(Text(analysis.sentence))
    if analysis.answer and analysis.answer.pairs:
        parts += [
            Text(),
            Text(
                f"Test {analysis.answer.what}, {PAIRING[result.unit]}; p adjusted by Holm's method"
            ),
            table(
                [
                    "variant",
                    "against",
                    "difference",
                    "95 % interval",
                    "effect",
                    f"{result.unit}s",
                    "p",
                ],
                [
                    [pair.first, pair.second, *_cells(pair.comparison, pair.adjusted_p)]
                    for pair in analysis.answer.pairs
                ],
                left=2,
            ),
        ]
    if analysis.baselines:
        parts += [
            Text(),
            Text(
                f"First seed of {analysis.best}, best on validation, against baselines on the "
                f"same rows: accuracy, resampling {analysis.unit}; McNemar's p takes segments "
                "for independent"
            ),
            table(
                ["baseline", "difference", "95 % interval", "p", "McNemar's p"],
                [
                    [
                        one.baseline,
                        *_difference(one.comparison),
                        p_value(one.comparison.p),
                        p_value(one.mcnemar.p),
                    ]
                    for one in analysis.baselines
                ],
            ),
        ]
    return Group(*parts)


def differences(compared: RunComparison) -> list[RenderableType]:
    """The settings in which runs differ, a row each."""
    if not compared.differences:
        return [Text("They differ in nothing that their records tell.")]
    columns = ["differs", *(str(number) for number in range(1, len(compared.results) + 1))]
    rows = [
        [one.what, *(v if len(v) <= _LONGEST else f"{v[: _LONGEST - 3]}..." for v in one.values)]
        for one in compared.differences
    ]
    return [table(columns, rows, left=len(columns))]


def _figures(compared: RunComparison) -> Table:
    columns = ["variant", "run", "n", "accuracy %", "macro-F1 %"]
    unit = compared.results[0].unit
    columns += ["macro-F1 minus run 1's", "95 % interval", "p", f"{unit}s"]
    rows: list[list[str]] = []
    for common in compared.variants:
        name = common.name  # in the first of its rows
        both = zip(common.results, common.to_first, strict=True)
        for number, (result, against) in enumerate(both, 1):
            if result is not None:
                figures = [str(result.n), mean_std(result.accuracy), mean_std(result.macro_f1)]
                rows.append([name, str(number), *figures, *_against(against)])
                name = ""
    return table(columns, rows)


def _against(against: DifferenceToFirst | None) -> list[str]:
    if against is None:
        return ["", "", "", ""]
    if against.macro_f1 is None:  # fewer than three common seeds or folds
        return ["cannot tell", "", "", ""]
    found = against.macro_f1
    return [*_difference(found), p_value(found.p), str(found.n)]


def _cells(found: SeedComparison | None, adjusted_p: float | None) -> list[str]:
    if found is None:
        return ["", "", "", "", ""]
    return [*_difference(found), signed(found.effect), str(found.n), p_value(adjusted_p)]


def _difference(found: SeedComparison | RowComparison) -> tuple[str, str]:
    return points(found.difference), between(found.interval, signed=True)
