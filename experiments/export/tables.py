"""A run's tables: tidy, a row an observation.

Shares lie between 0 and 1. Values that are unknown, missing or not finite are empty. Tables of a
run with folds have a column "fold"; its predictions name the split and row of the dataset's file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from data.datasets.folds import place_of_row
from experiments.results.run_result import RunResult, VariantTrial
from experiments.runs.baseline_results import BaselineResult
from experiments.runs.predictions import predictions_of

Cell = str | int | float | None

_TRAINING = ("epochs", "best_epoch", "kept_epoch", "training_seconds")
_UNKNOWN_TRACK = -1


@dataclass(frozen=True)
class Table:
    """Rows under the names of their columns; the rows may be read once."""

    columns: tuple[str, ...]
    rows: Iterable[Sequence[Cell]]


def tables_of(result: RunResult) -> dict[str, Table]:
    """The tables of a run by their names, `baselines` only if it has any.

    Raises:
        RunError: predictions are damaged, when their rows are read.
    """
    records = result.trials
    keys = ("variant", "trial", *(("fold",) if result.folds else ()), "seed")
    tables = {
        "trials": _trials(result, records),
        "epochs": _epochs(records, keys),
        "confusion": _confusion(records, result.genres, keys),
        "predictions": _predictions(result, records, keys),
    }
    if result.baselines:
        tables["baselines"] = _baselines(result.baselines)
    return tables


def _keys(record: VariantTrial) -> tuple[Cell, ...]:
    return record.variant, record.trial.id, *_fold(record), record.trial.seed


def _fold(record: VariantTrial) -> tuple[Cell, ...]:
    """The fold's number, of a trial that has one."""
    return () if record.trial.fold is None else (record.trial.fold.number,)


def _of(figures: object, *names: str) -> Iterator[Cell]:
    """Attributes of figures, None for each if there are none."""
    return (None if figures is None else getattr(figures, name) for name in names)


def _trials(result: RunResult, records: Sequence[VariantTrial]) -> Table:
    """A row a variant and trial."""
    columns = (
        *("study", "variant", "protocol", "dataset", "trial"),
        *("fold",) * bool(result.folds),
        "seed",
        *("learning_rate", "optimizer", "batch_size", "status", "reason"),
        *("epochs", "best_epoch", "kept_epoch", "seconds"),
        *("validation_accuracy", "validation_macro_f1"),
        *("test_accuracy", "test_macro_f1", "test_batch_mean_f1"),
    )
    rows: list[Sequence[Cell]] = []
    for record in records:
        training, found = record.trial.training, record.result
        validation, test = (found.validation, found.test) if found else (None, None)
        rows.append(
            (
                result.study,
                record.variant,
                result.protocol,
                result.dataset,
                record.trial.id,
                *_fold(record),
                record.trial.seed,
                training.learning_rate,
                training.optimizer,
                training.batch_size,
                record.status,
                found.reason if found else "",
                *_of(found if found and found.epochs else None, *_TRAINING),
                *_of(validation, "accuracy", "macro_f1"),
                *_of(test, "accuracy", "macro_f1", "batch_mean_f1"),
            )
        )
    return Table(columns, rows)


def _epochs(records: Sequence[VariantTrial], keys: tuple[str, ...]) -> Table:
    """A row a trial and epoch, with every metric that any trial has."""
    results = [(record, record.result) for record in records]
    metrics = tuple(
        dict.fromkeys(name for _, result in results if result for name in result.history)
    )

    def rows() -> Iterator[Sequence[Cell]]:
        for record, result in results:
            if result is None:
                continue
            nothing = [None] * result.epochs
            values = [result.history.get(name, nothing) for name in metrics]
            seconds = (second / result.cohort.size for second in result.epoch_seconds)
            for epoch, row in enumerate(zip(seconds, *values, strict=True), start=1):
                yield (*_keys(record), epoch, *row)

    return Table((*keys, "epoch", "seconds", *metrics), rows())


def _confusion(
    records: Sequence[VariantTrial], genres: Sequence[str], keys: tuple[str, ...]
) -> Table:
    """A row a tested trial, true and predicted genre, those with no test row included."""
    rows = (
        (*_keys(record), true, predicted, count)
        for record in records
        if record.result and record.result.test
        for true, counts in zip(genres, record.result.test.confusion_matrix, strict=True)
        for predicted, count in zip(genres, counts, strict=True)
    )
    return Table((*keys, "true", "predicted", "count"), rows)


def _predictions(
    result: RunResult, records: Sequence[VariantTrial], keys: tuple[str, ...]
) -> Table:
    """A row a tested trial and test row, in stored order."""
    genres, counts = result.genres, result.manifest.dataset.rows

    def rows() -> Iterator[Sequence[Cell]]:
        for record in records:
            if record.result is None or record.result.test is None:
                continue
            found = predictions_of(result.run, record.trial.id, len(genres))
            if found is None:
                continue
            n = len(found.label)
            starts = [None] * n if found.start is None else found.start.tolist()
            lists = (a.tolist() for a in (found.label, found.predicted, found.track))
            for row, (label, predicted, track, start, shares) in enumerate(
                zip(*lists, starts, found.probability.tolist(), strict=True)
            ):
                known = None if track == _UNKNOWN_TRACK else track
                place = (row,) if found.row is None else place_of_row(counts, int(found.row[row]))
                about = *place, genres[label], genres[predicted], known, start
                yield (*_keys(record), *about, *shares)

    probabilities = (f"probability_{genre}" for genre in genres)
    place = ("split", "row") if result.folds else ("row",)
    columns = (*keys, *place, "label", "predicted", "track", "start", *probabilities)
    return Table(columns, rows())


def _baselines(baselines: Sequence[BaselineResult]) -> Table:
    """A row a fit; one without figures where a baseline could not be fitted."""
    has_folds = any(baseline.folds for baseline in baselines)
    columns = (
        *("baseline", "what", *("fold",) * has_folds, "seed", "failure", "seconds"),
        *("validation_accuracy", "validation_macro_f1"),
        *("test_accuracy", "test_macro_f1", "test_batch_mean_f1"),
    )
    rows: list[Sequence[Cell]] = []
    for baseline in baselines:
        name, what = baseline.name, baseline.what
        if baseline.failure:
            rows.append((name, what, *[None] * has_folds, None, baseline.failure, *[None] * 6))
        seeds = baseline.seeds or [None]
        for number, fit in enumerate(baseline.fits):
            fold, seed = [1 + number // len(seeds)] * has_folds, seeds[number % len(seeds)]
            validation = _of(fit.validation, "accuracy", "macro_f1")
            test = _of(fit.test, "accuracy", "macro_f1", "batch_mean_f1")
            rows.append((name, what, *fold, seed, "", fit.seconds, *validation, *test))
    return Table(columns, rows)
