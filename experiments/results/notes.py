"""Notes on a run's results: failures, and what a reader may not expect."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.results.run_result import RunResult, VariantResult


def notes(result: RunResult) -> Iterator[str]:
    """Notes on a run's variants and baselines, in sentences."""
    for variant in result.variants:
        yield from (f"{variant.name}: {note}" for note in _of_variant(result, variant))
    for baseline in result.baselines:
        if baseline.failure:
            yield f"{baseline.name}: not fitted: {baseline.failure}"


def _of_variant(result: RunResult, variant: VariantResult) -> Iterator[str]:
    trials = variant.seeds * variant.selected_from
    if variant.untrained:
        yield (f"{variant.untrained} of {trials} trials have no result: the run is {result.state}.")
    elif not variant.n and not variant.diverged and not variant.failures:
        yield "trained, not yet tested."
    if variant.diverged:
        yield f"{variant.diverged} of {trials} trials diverged (a loss that is not finite)."
    for reason in sorted(set(variant.failures)):
        yield f"{variant.failures.count(reason)} of {trials} trials failed: {reason}"
    predicted = [any(column) for column in zip(*variant.confusion_matrix, strict=True)]
    if variant.n and sum(predicted) == 1:
        only = result.genres[predicted.index(True)]
        yield f"predicts {only} whatever it hears; it has not learned."
    if variant.note:
        yield variant.note
