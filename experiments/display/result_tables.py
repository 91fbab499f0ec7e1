"""Results as text: variants, confusion matrix, classes, trials of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from data.terminal.console import table
from data.terminal.text import duration
from experiments.design.published_figure import PublishedFigure
from experiments.design.search_space import value_text
from experiments.results.confusion_matrix import ConfusionMatrix
from experiments.results.number_format import between, mean_std, per_cent, plural
from experiments.results.run_result import RunResult, VariantResult, notes
from experiments.results.search_result import SHOWN, RankedTrial, SearchResult
from experiments.runs.events import TrialEnded

if TYPE_CHECKING:
    from experiments.results.analysis import Analysis


def results_view(result: RunResult, analysis: Analysis | None = None) -> Group:
    """A run's answer and table, the best variant's confusion matrix and classes, and notes.

    Without an analysis there are no intervals and no answer.
    """
    parts: list[RenderableType] = [
        Text(result.manifest.question, style="bold"),
        Text(_headline(result)),
        Text(),
    ]
    if analysis is not None and analysis.answer is not None:
        parts += [Text(analysis.answer.sentence), Text()]
    parts.append(_variants_table(result, analysis))
    best = result.best
    if best is not None:
        parts += [Text(), *_confusion(result, best), Text(), _classes(result, best)]
    lines = _note_lines(result)
    if lines:
        parts.append(Text())
        parts += [Text(line, style="dim") for line in lines]
    return Group(*parts, Text(f"\nRecords: {result.run.path}"))


def _headline(result: RunResult) -> str:
    demo = " (DEMO DATA: synthesised music)" if result.is_demo else ""
    line = (
        f"{result.study}, {result.protocol} protocol, dataset {result.dataset}{demo}, "
        f"{result.extent}"
    )
    return f"{line}, epochs set to {result.manifest.epochs}" if result.manifest.epochs else line


def _variants_table(result: RunResult, analysis: Analysis | None) -> Table:
    """A row a variant, then a row a baseline."""
    found = {} if analysis is None else analysis.intervals
    intervals = {name: between(each.macro_f1, 1) for name, each in found.items() if each.macro_f1}
    names = ["variant", "n", "accuracy %", "macro-F1 %", "95 % interval"]
    names += ["epochs", "train s", "documented %"]
    rows = [
        [
            variant.name,
            str(variant.n) if variant.n == variant.seeds else f"{variant.n}/{variant.seeds}",
            mean_std(variant.accuracy),
            mean_std(variant.macro_f1),
            intervals.get(variant.name, ""),
            _plain(variant.epochs.mean),
            _plain(variant.seconds.mean),
            _documented(variant),
        ]
        for variant in result.variants
    ]
    for one in result.baselines:
        figures = [mean_std(one.accuracy), mean_std(one.macro_f1), "", "", _plain(one.seconds), ""]
        rows.append([f"  {one.name}", str(one.n), *figures])
    shown = [(name, *cells) for name, *cells in zip(names, *rows, strict=True) if any(cells)]
    columns, *rows_shown = zip(*shown, strict=True)
    return table(columns, rows_shown)


def _documented(variant: VariantResult) -> str:
    """Source A's accuracy, or where it has none B's."""
    figures = sorted(variant.published, key=lambda figure: figure.source)
    return f"{figures[0].accuracy:.2f}" if figures else ""


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _note_lines(result: RunResult) -> list[str]:
    lines = list(result.manifest.left_out)
    if result.baselines:
        read = result.manifest.dataset.statistics
        lines.append(
            f"Indented: simple classifiers on the {read} of the same rows, fitted once or, where "
            "they draw numbers, once a seed." + (" So on each fold." if result.folds else "")
        )
    if result.folds:
        lines.append(
            "Means, deviations and intervals are over the folds, each with its mean over seeds; "
            "n counts trainings. Intervals allow for the train rows that folds share."
        )
    lines += [
        f"{variant.name}: learning rate {variant.rate_text} selected on validation from "
        f"{variant.selected_from}{' on each fold' if result.folds else ''}."
        for variant in result.variants
        if variant.selected_from > 1 and variant.n
    ]
    lines += notes(result)
    documented = [(v, figure) for v in result.variants for figure in v.published]
    lines += [_documented_note(variant, figure) for variant, figure in documented]
    if documented:
        lines.append(
            "Source A's F1 is the mean macro-F1 of batches of 16 sorted rows: compare models by "
            "the pooled macro-F1 of the table."
        )
    return lines


def _documented_note(variant: VariantResult, figure: PublishedFigure) -> str:
    reported = (
        f"{variant.name}: source {figure.source} reports {figure.accuracy:.2f} % accuracy, "
        f"{figure.f1:.2f} % "
    )
    if figure.f1_kind == "macro":
        return f"{reported}macro-F1 ({figure.protocol})."
    ours = mean_std(variant.batch_mean_f1)
    return f"{reported}batch-mean F1 ({figure.protocol}); ours, averaged that way: {ours} %."


def _confusion(result: RunResult, variant: VariantResult) -> list[RenderableType]:
    title = f"Variant {variant.name!r}: rows true, columns predicted"
    if len(result.variants) > 1:
        tied = len(result.tied_for_best) > 1
        title = f"{title}; {'tied for best' if tied else 'best'} on validation"
    if variant.n > 1:
        title += f", summed over {result.extent if result.folds else plural(variant.n, 'seed')}"
    rows = [
        [genre, *map(str, counts)]
        for genre, counts in zip(result.genres, variant.confusion_matrix, strict=True)
    ]
    return [Text(title, style="bold"), table(["", *result.genres], rows)]


def _classes(result: RunResult, variant: VariantResult) -> Table:
    matrix = ConfusionMatrix(variant.confusion_matrix)
    rows = []
    for i, genre in enumerate(result.genres):
        *shares, support = astuple(matrix.scores(i))
        rows.append([genre, *(per_cent(share, 1) for share in shares), str(support)])
    return table(["", "precision %", "recall %", "F1 %", "rows"], rows)


def runs_view(summaries: Sequence[Mapping[str, Any]]) -> Table:
    """A row a run, from `experiments.runs.summaries.summarise_all`."""
    rows = [
        [str(one["run"]), str(one["state"]), str(one["dataset"]), f"{one['done']}/{one['trials']}"]
        for one in summaries
    ]
    return table(["run", "state", "dataset", "trials"], rows, left=3)


def rows_view(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Plain rows under the names of their columns."""
    columns = list(rows[0]) if rows else []
    cells = [[_cell(value) for value in row.values()] for row in rows]
    return table(columns, cells)


def _cell(value: Any) -> str:
    return _plain(value) if value is None or isinstance(value, float) else str(value)


def search_view(result: SearchResult) -> Group:
    """The best trials of a search as a table, with a note on selection bias."""
    best, asked = result.ranked[:SHOWN], result.search.settings.trials
    ended = len(result.ranked) + result.diverged + result.failed
    counts = (("diverged", result.diverged), ("failed", result.failed))
    others = ", ".join(f"{count} {name}" for name, count in counts if count)
    title = f"Search, {ended} of {asked} trials" if ended < asked else f"Search, {asked} trials"
    title += f" ({others})" if others else ""
    if not best:
        return Group(Text(f"{title}: none has finished.", style="bold"))
    lines: list[RenderableType] = [
        Text(f"{title}: the best {len(best)} on validation", style="bold"),
        _candidates(best),
    ]
    if any(one.result.test for one in result.ranked):
        note = (
            f"Selected on validation, where the best of {ended} is partly luck: the test figures "
            "are those to believe. The test rows were looked at once, for each variant's best "
            "trial alone."
        )
        lines.append(Text(note, style="dim"))
    return Group(*lines)


def _candidates(best: Sequence[RankedTrial]) -> Table:
    paths = dict.fromkeys(path for one in best for path in one.draw.setting.values)
    columns = ["trial", "variant", *(path.partition(".")[2] for path in paths)]
    rows = []
    for one in best:
        values, test = one.draw.setting.values, one.result.test
        rows.append(
            [
                str(one.draw.number),
                one.draw.setting.variant,
                *(value_text(values[path]) if path in values else "" for path in paths),
                str(one.result.kept_epoch),
                per_cent(one.result.score),
                per_cent(test.macro_f1) if test else "",
            ]
        )
    figures = ["epoch", "validation macro-F1 %", "test macro-F1 %"]
    return table([*columns, *figures], rows, left=len(columns))


def epoch_line(logs: Mapping[str, float]) -> str:
    """The metrics of one epoch in one line, as far as they are known."""
    names = {"loss": "loss", "val_loss": "validation loss"}
    parts = [f"{text} {logs[name]:.3f}" for name, text in names.items() if name in logs]
    if "val_macro_f1" in logs:
        parts.append(f"macro-F1 {logs['val_macro_f1'] * 100:.1f} %")
    return ", ".join(parts)


def trial_line(event: TrialEnded, fold: int | None = None) -> str:
    """How one trial ended, in one line; `fold` is the one that it was tested on."""
    which = f"seed {event.seed}" if fold is None else f"fold {fold}, seed {event.seed}"
    line = f"{event.variant}, rate {event.learning_rate:g}, {which}: {event.status}"
    if event.status == "failed":
        return f"{line}: {event.reason}"
    parts = [line if event.epochs is None else f"{line} after {event.epochs} epochs"]
    if event.validation is not None:
        parts.append(f"validation macro-F1 {event.validation.macro_f1 * 100:.1f} %")
    if event.seconds is not None:
        parts.append(duration(event.seconds))
    together = ""
    if event.cohort is not None and event.cohort.size > 1:
        together = f" ({event.cohort.size} in lockstep)"
    return f"{', '.join(parts)}{together}"
