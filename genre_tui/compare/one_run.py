"""One run on the screen Compare: variants, answer, baselines, pairs."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from experiments.results.number_format import NONE, between, mean_std, p_value, points
from experiments.results.run_result import RunResult, VariantResult
from genre_tui.compare.comparison_data import FIGURES, Figure, SingleRun, documented, ordered
from genre_tui.compare.dot_plot import DotPlot
from genre_tui.widgets.fitted_table import FittedTable

COMPUTING = "Intervals and comparisons are being computed ..."


def answer_text(one: SingleRun) -> Text:
    """The question, and the answer so far."""
    result = one.result
    text = Text(result.manifest.question, "bold")
    text.append("\n")
    if not any(variant.n for variant in result.variants):
        return text.append("Nothing was tested yet.", "not bold")
    if one.analysis is None:
        return text.append(one.problem or COMPUTING, "not bold italic")
    return text.append(answer(one), "not bold")


def answer(one: SingleRun) -> str:
    """The answer, a sentence; "" while there is none."""
    if one.analysis is None or one.analysis.answer is None:
        return ""
    return one.analysis.answer.sentence


def variants(one: SingleRun, figure: Figure) -> RenderableType:
    """The plot and the table of variants."""
    result, analysis = one.result, one.analysis
    intervals = analysis.intervals if analysis else {}
    rows = []
    for variant in ordered(result, figure):
        found = intervals.get(variant.name)
        over_units = getattr(found, figure) if found else None
        on_rows = getattr(found, f"{figure}_on_rows") if found else None
        rows.append(
            [
                variant.name,
                mean_std(getattr(variant, figure), "±"),
                _over_units(variant, over_units, bool(analysis or one.problem)),
                str(variant.n),
                between(on_rows, 1),
                variant.rate_text,
                " ".join(f"{source} {value:.2f}" for source, value in documented(variant, figure)),
                mean_std(getattr(variant, _other(figure)), "±"),
            ]
        )
    columns = {"variant": 0, f"{FIGURES[figure]} %": 0, f"95 % over {result.unit}s": 1, "n": 0}
    columns |= {"95 % on rows": 2, "rate": 3, "documented": 4, f"{FIGURES[_other(figure)]} %": 5}
    if not any(row[6] for row in rows):
        del columns["documented"]
        rows = [row[:6] + row[7:] for row in rows]
    parts: list[RenderableType] = [DotPlot(one.plots[figure]), Text()]
    parts += [FittedTable(columns, rows), *map(Text, _notes(one))]
    return Group(*parts)


def beside(one: SingleRun, pairs: bool) -> RenderableType:
    """Baselines, the best variant against them, and each two variants."""
    parts = [*_baselines(one.result), *_against(one)]
    if pairs:
        parts += _pairs(one)
    elif one.analysis and one.analysis.answer and one.analysis.answer.pairs:
        count = len(one.analysis.answer.pairs)
        parts.append(Text(f"p shows {count} pair{'s' * (count > 1)} of variants.", "dim"))
    return Group(*parts)


def _other(figure: Figure) -> Figure:
    return "accuracy" if figure == "macro_f1" else "macro_f1"


def _over_units(variant: VariantResult, interval: object, is_known: bool) -> str:
    if not variant.n:
        return "not tested" if variant.untrained else NONE
    if is_known and interval is None:
        units = len(variant.macro_f1.independent)
        word = "fold" if variant.macro_f1.folds else "seed"
        return f"one {word}" if units == 1 else f"{units} {word}s"
    return between(interval, 1) if is_known else "..."  # type: ignore[arg-type]


def _notes(one: SingleRun) -> list[str]:
    """Notes on the table, in sentences."""
    result, analysis = one.result, one.analysis
    notes = []
    for variant in result.variants:
        counts = [f"{variant.diverged} diverged"] if variant.diverged else []
        counts += [f"{len(variant.failures)} failed"] if variant.failures else []
        counts += [f"{variant.untrained} not trained yet"] if variant.untrained else []
        if counts:
            notes.append(f"{variant.name}: {', '.join(counts)}.")
    if result.manifest.epochs:
        others = any(variant.published for variant in result.variants)
        what = ": documented figures are of the source's own number" if others else ""
        notes.append(f"Epochs were set to {result.manifest.epochs}{what}.")
    few = sorted({variant.n for variant in result.variants if 0 < variant.n < 3})
    if few and not result.folds:
        seeds = " and ".join("One seed" if n == 1 else f"{n} seeds" for n in few)
        notes.append(f"{seeds} cannot tell the spread over seeds. More seeds: --seeds 5.")
    if result.folds:
        notes.append(
            f"{result.extent}. Each fold counts once, with its mean over seeds; n counts "
            "trainings. Intervals allow for the train rows that folds share."
        )
    if analysis and analysis.unit:
        are_few = analysis.clusters is not None and analysis.clusters.are_few
        rough = " They are few: such intervals are rough." if are_few else ""
        notes.append(f"On rows: {analysis.unit} of the test rows resampled.{rough}")
    for variant in result.variants:
        for figure in variant.published:
            kind = "macro-F1" if figure.f1_kind == "macro" else "mean F1 of batches"
            notes.append(
                f"Documented {variant.name}: source {figure.source} {figure.accuracy:.2f} % "
                f"accuracy, {figure.f1:.2f} % {kind} ({figure.protocol})."
            )
    return ["", *notes] if notes else []


def _baselines(result: RunResult) -> list[RenderableType]:
    if not result.baselines:
        return [Text("This run has no baselines.", "dim")]
    rows = [
        [one.name, mean_std(one.macro_f1, "±"), mean_std(one.accuracy, "±"), str(one.n or "failed")]
        for one in result.baselines
    ]
    columns = {"baseline": 0, "macro-F1 %": 0, "accuracy %": 1, "n": 2}
    return [FittedTable(columns, rows), Text()]


def _against(one: SingleRun) -> list[RenderableType]:
    analysis = one.analysis
    if analysis is None or not analysis.baselines:
        return []
    rows = [
        [
            found.baseline,
            points(found.comparison.difference),
            between(found.comparison.interval, 1, signed=True),
            p_value(found.comparison.p),
            p_value(found.mcnemar.p),
        ]
        for found in analysis.baselines
    ]
    columns = {"minus": 0, "points": 0, "95 % interval": 1, "p": 2, "McNemar's p": 3}
    title = (
        f"{analysis.best or ''}, best on validation, first seed, minus each baseline: "
        f"accuracy on the same rows, resampling {analysis.unit}"
    )
    notes = {4: "McNemar's p takes segments for independent, so it is too small."}
    return [Text(title, "bold"), FittedTable(columns, rows, notes=notes), Text()]


def _pairs(one: SingleRun) -> list[RenderableType]:
    analysis = one.analysis
    if analysis is None or analysis.answer is None or not analysis.answer.pairs:
        return []
    rows = []
    for pair in analysis.answer.pairs:
        found = pair.comparison
        difference, interval, n = NONE, NONE, 0
        if found is not None:
            difference, n = points(found.difference), found.n
            interval = between(found.interval, 1, signed=True)
        p = p_value(pair.adjusted_p)
        rows.append([pair.first, pair.second, difference, p, interval, str(n)])
    columns = {
        "variant": 0,
        "minus": 0,
        "points": 0,
        "p": 0,
        "95 % interval": 1,
        f"{one.result.unit}s": 2,
    }
    title = f"Pairs: test {analysis.answer.what}, by {one.result.unit}; p adjusted by Holm's method"
    return [Text(title, "bold"), FittedTable(columns, rows, left=2)]
