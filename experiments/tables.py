"""Results as text: the table of variants, the confusion matrix, each class's figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from data.terminal import clean, duration, table
from experiments.documented import Documented
from experiments.results import RunResult, Spread, VariantResult


def results_view(result: RunResult) -> Group:
    """A run's table, the best variant's confusion matrix and classes, and notes."""
    parts: list[RenderableType] = [
        Text(clean(result.question), style="bold"),
        Text(clean(_headline(result))),
        Text(),
        _variants_table(result),
    ]
    best = result.best
    if best is not None:
        parts += [Text(), *_confusion(result, best), Text(), _classes(result, best)]
    notes = _notes(result)
    if notes:
        parts.append(Text())
        parts += [Text(clean(note), style="dim") for note in notes]
    return Group(*parts, Text(f"\nRecords: {clean(str(result.run.path))}"))


def _headline(result: RunResult) -> str:
    demo = " (DEMO DATA: synthesised music)" if result.dataset_kind == "demo" else ""
    line = (
        f"{result.study}, {result.protocol} protocol, dataset {result.dataset}{demo}, "
        f"{result.seeds} seed{'s' if result.seeds > 1 else ''}"
    )
    return f"{line}, epochs set to {result.epochs}" if result.epochs else line


def _variants_table(result: RunResult) -> Table:
    documented = any(variant.documented for variant in result.variants)
    columns = ["variant", "n", "accuracy %", "macro-F1 %"]
    rows = []
    for variant in result.variants:
        row = [
            variant.name,
            str(variant.n) if variant.n == variant.seeds else f"{variant.n}/{variant.seeds}",
            per_cent(variant.accuracy),
            per_cent(variant.macro_f1),
        ]
        if documented:
            figure = next((f for f in variant.documented if f.source == "A"), None)
            row.append(f"{figure.accuracy:.2f}" if figure else "")
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
        trials = variant.seeds * variant.selected_from
        if variant.untrained:
            notes.append(
                f"{variant.name}: {variant.untrained} of {trials} trials have no result: the run "
                f"is {result.state}."
            )
        elif not variant.n and not variant.diverged and not variant.failures:
            notes.append(f"{variant.name}: trained, not yet tested.")
        if variant.diverged:
            notes.append(
                f"{variant.name}: {variant.diverged} of {trials} trials diverged (a loss that is "
                "not finite)."
            )
        for reason in sorted(set(variant.failures)):
            count = variant.failures.count(reason)
            notes.append(f"{variant.name}: {count} of {trials} trials failed: {reason}")
        predicted = [any(column) for column in zip(*variant.confusion_matrix, strict=True)]
        if variant.n and sum(predicted) == 1:
            only = result.genres[predicted.index(True)]
            notes.append(f"{variant.name}: predicts {only} whatever it hears; it has not learned.")
        if variant.note:
            notes.append(f"{variant.name}: {variant.note}")
        notes += [_documented_note(variant, figure) for figure in variant.documented]
    if any(variant.documented for variant in result.variants):
        notes.append(
            "Source A's F1 is the mean macro-F1 of batches of 16 sorted rows: compare models by "
            "the pooled macro-F1 of the table."
        )
    return notes


def _documented_note(variant: VariantResult, figure: Documented) -> str:
    reported = (
        f"{variant.name}: source {figure.source} reports {figure.accuracy:.2f} % accuracy, "
        f"{figure.f1:.2f} % "
    )
    if figure.f1_kind == "macro":
        return f"{reported}macro-F1 ({figure.protocol})."
    ours = per_cent(variant.batch_mean_f1)
    return f"{reported}batch-mean F1 ({figure.protocol}); ours, averaged that way: {ours} %."


def _confusion(result: RunResult, variant: VariantResult) -> list[RenderableType]:
    title = f"Variant {variant.name!r}: rows true, columns predicted"
    if len(result.variants) > 1:
        score = variant.validation_macro_f1
        tied = [v for v in result.variants if v.n and v.validation_macro_f1 == score]
        title = f"{title}; {'tied for best' if len(tied) > 1 else 'best'} on validation"
    if variant.n > 1:
        title += f", summed over {variant.n} seeds"
    rows = [
        [genre, *map(str, counts)]
        for genre, counts in zip(result.genres, variant.confusion_matrix, strict=True)
    ]
    return [Text(clean(title), style="bold"), table(["", *result.genres], rows)]


def _classes(result: RunResult, variant: VariantResult) -> Table:
    # Following a run needs no numpy, which takes as long to import as all the rest.
    import numpy as np

    from networks.metrics import class_scores

    scores = class_scores(np.array(variant.confusion_matrix))
    rows = [
        [genre, *(f"{share * 100:.1f}" for share in shares), str(support)]
        for genre, *shares, support in zip(
            result.genres, scores.precision, scores.recall, scores.f1, scores.support, strict=True
        )
    ]
    return table(["", "precision %", "recall %", "F1 %", "rows"], rows)


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


def trial_line(event: Mapping[str, Any]) -> str:
    """How one trial ended, in one line, from the event that tells of it."""
    line = f"{event['variant']}, rate {event['learning_rate']:g}, seed {event['seed']}"
    line = f"{line}: {event['status']}"
    if event["status"] == "failed":
        return f"{line}: {event['reason']}"
    validation = event["validation"]["macro_f1"] * 100
    size = event["cohort"]["size"]
    together = f" ({size} in lockstep)" if size > 1 else ""
    return (
        f"{line} after {event['epochs']} epochs, validation macro-F1 {validation:.1f} %, "
        f"{duration(event['seconds'])}{together}"
    )
