"""Results as text: the table of variants and the confusion matrix."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from data.terminal import clean, duration, table
from experiments.results import RunResult, Spread, VariantResult


def print_results(result: RunResult, console: Console) -> None:
    """Print a run's table, its notes and the best variant's confusion matrix."""
    facts = result.facts
    dataset = facts["dataset"]
    console.print(Text(clean(facts["question"]), style="bold"))
    seeds = len(facts["seeds"])
    line = (
        f"{facts['study']}, {facts['protocol']} protocol, dataset {dataset['name']}"
        f"{' (DEMO DATA: synthesised music)' if dataset['kind'] == 'demo' else ''}, "
        f"{seeds} seed{'s' if seeds > 1 else ''}"
    )
    if facts["epochs"]:
        line += f", epochs set to {facts['epochs']}"
    console.print(Text(clean(line)), soft_wrap=True)
    console.print()
    _print_variants(result, console)
    for note in _notes(result):
        console.print(Text(clean(note), style="dim"), soft_wrap=True)
    best = result.best
    if best is not None:
        console.print()
        _print_confusion(result, best, console)
    console.print(Text(f"\nRecords: {clean(str(result.run.path))}"), soft_wrap=True)


def _print_variants(result: RunResult, console: Console) -> None:
    documented = any(_source_a(variant) for variant in result.variants)
    columns = ["variant", "n", "accuracy %", "macro-F1 %"]
    if documented:
        columns += ["batch-F1 %", "documented accuracy %", "batch-F1 %"]
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
            row += [
                per_cent(variant.batch_mean_f1),
                f"{figure['accuracy'] * 100:.2f}" if figure else "",
                f"{figure['f1'] * 100:.2f}" if figure else "",
            ]
        rows.append(row)
    console.print(table(None, columns, rows))


def _notes(result: RunResult) -> list[str]:
    notes = []
    if any(_source_a(variant) for variant in result.variants):
        notes.append(
            "batch-F1 is the source's figure, the mean macro-F1 of batches of 16 sorted rows; "
            "compare models by macro-F1."
        )
    for variant in result.variants:
        if variant.selected_from > 1 and variant.n:
            notes.append(
                f"{variant.name}: learning rate {variant.learning_rate:g} selected on validation "
                f"from {variant.selected_from}."
            )
        for count, word in ((variant.diverged, "diverged"), (variant.failed, "failed")):
            if count:
                notes.append(f"{variant.name}: {count} of {variant.planned} trials {word}.")
        if variant.note:
            notes.append(f"{variant.name}: {variant.note}")
        notes += [
            f"{variant.name}: the sibling project reports {figure['accuracy'] * 100:.2f} % "
            f"accuracy, {figure['f1'] * 100:.2f} % macro-F1 ({figure['protocol']})."
            for figure in variant.documented
            if figure["source"] == "B"
        ]
    return notes


def _print_confusion(result: RunResult, variant: VariantResult, console: Console) -> None:
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
    console.print(table(title, ["", *genres, "recall %"], rows))


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
