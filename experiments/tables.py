"""Results as text: the table of variants and the confusion matrix."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from data.terminal import clean, duration, table
from experiments.results import RunResult, Spread, VariantResult


def results_view(result: RunResult) -> Group:
    """A run's table, the best variant's confusion matrix, and notes."""
    facts = result.facts
    parts: list[RenderableType] = [
        Text(clean(facts["question"]), style="bold"),
        Text(clean(_headline(facts))),
        Text(),
        _variants_table(result),
    ]
    best = result.best
    if best is not None:
        parts += [Text(), *_confusion(result, best)]
    notes = _notes(result)
    if notes:
        parts.append(Text())
        parts += [Text(clean(note), style="dim") for note in notes]
    return Group(*parts, Text(f"\nRecords: {clean(str(result.run.path))}"))


def _headline(facts: dict[str, Any]) -> str:
    dataset = facts["dataset"]
    seeds = len(facts["seeds"])
    demo = " (DEMO DATA: synthesised music)" if dataset["kind"] == "demo" else ""
    line = (
        f"{facts['study']}, {facts['protocol']} protocol, dataset {dataset['name']}{demo}, "
        f"{seeds} seed{'s' if seeds > 1 else ''}"
    )
    return f"{line}, epochs set to {facts['epochs']}" if facts["epochs"] else line


def _variants_table(result: RunResult) -> Table:
    documented = any(variant.documented for variant in result.variants)
    columns = ["variant", "n", "accuracy %", "macro-F1 %"]
    rows = []
    for variant in result.variants:
        row = [
            variant.name,
            str(variant.n) if variant.n == variant.planned else f"{variant.n}/{variant.planned}",
            per_cent(variant.accuracy),
            per_cent(variant.macro_f1),
        ]
        if documented:
            figure = _source_a(variant)
            row.append(f"{figure['accuracy'] * 100:.2f}" if figure else "")
        rows.append(row)
    return table([*columns, "documented %"] if documented else columns, rows)


def _notes(result: RunResult) -> list[str]:
    notes = []
    for variant in result.variants:
        if variant.selected_from > 1 and variant.n:
            notes.append(
                f"{variant.name}: learning rate {variant.learning_rate:g} selected on validation "
                f"from {variant.selected_from}."
            )
        absent = variant.planned - variant.n - variant.diverged - variant.failed
        for count, what in (
            (variant.diverged, "diverged"),
            (variant.failed, "failed"),
            (absent, "have no result: the run was interrupted or is going on"),
        ):
            if count:
                notes.append(f"{variant.name}: {count} of {variant.planned} trials {what}.")
        if variant.note:
            notes.append(f"{variant.name}: {variant.note}")
        notes += [_documented_note(variant, figure) for figure in variant.documented]
    if any(variant.documented for variant in result.variants):
        notes.append(
            "Source A's F1 is the mean macro-F1 of batches of 16 sorted rows: compare models by "
            "the pooled macro-F1 of the table."
        )
    return notes


def _documented_note(variant: VariantResult, figure: dict[str, Any]) -> str:
    reported = (
        f"{variant.name}: source {figure['source']} reports {figure['accuracy'] * 100:.2f} % "
        f"accuracy, {figure['f1'] * 100:.2f} % "
    )
    if figure["source"] == "B":
        return f"{reported}macro-F1 ({figure['protocol']})."
    ours = per_cent(variant.batch_mean_f1)
    return f"{reported}batch-mean F1 ({figure['protocol']}); ours, averaged that way: {ours} %."


def _confusion(result: RunResult, variant: VariantResult) -> list[RenderableType]:
    genres = result.genres
    title = f"{variant.name}: rows true, columns predicted"
    if len(result.variants) > 1:
        title = f"Best on validation, {title}"
    if variant.n > 1:
        title += f", summed over {variant.n} seeds"
    rows = [
        [genre, *map(str, counts), f"{counts[i] / max(sum(counts), 1) * 100:.1f}"]
        for i, (genre, counts) in enumerate(zip(genres, variant.confusion_matrix, strict=True))
    ]
    return [Text(clean(title), style="bold"), table(["", *genres, "recall %"], rows)]


def per_cent(spread: Spread) -> str:
    """Mean and, over several seeds, standard deviation in per cent."""
    if spread.mean is None:
        return "-"
    if spread.std is None:
        return f"{spread.mean * 100:.2f}"
    return f"{spread.mean * 100:.2f} +- {spread.std * 100:.2f}"


def epoch_line(logs: dict[str, float]) -> str:
    """The figures of one epoch in one line."""
    return (
        f"loss {logs['loss']:.3f}, validation loss {logs['val_loss']:.3f}, "
        f"macro-F1 {logs['val_macro_f1'] * 100:.1f} %"
    )


def trial_line(variant: str, result: dict[str, Any]) -> str:
    """How one trial ended, in one line."""
    line = f"{variant}, seed {result['seed']}: {result['status']}"
    if result["status"] == "failed":
        return f"{line}: {result['reason']}"
    validation = result["validation"]["macro_f1"] * 100
    return (
        f"{line} after {result['epochs']} epochs, validation macro-F1 {validation:.1f} %, "
        f"{duration(result['seconds'])}"
    )


def _source_a(variant: VariantResult) -> dict[str, Any] | None:
    return next((figure for figure in variant.documented if figure["source"] == "A"), None)
