"""A run's tables: tidy, a row an observation, under names that stay the same.

Shares lie between 0 and 1. What is not known, not yet there or not finite is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from experiments.export.trials import Figures, TrialRecord, damage, trials_of
from experiments.results.run_result import RunResult
from experiments.runs.directory import RunDirectory
from experiments.runs.predictions import predictions_of
from experiments.runs.validation import number, of_type, share

Cell = str | int | float | None

_KEYS = ("variant", "trial", "seed")
_UNKNOWN_TRACK = -1


@dataclass(frozen=True)
class Table:
    """Rows under the names of their columns; the rows may be read once."""

    columns: tuple[str, ...]
    rows: Iterable[Sequence[Cell]]


def tables_of(result: RunResult) -> dict[str, Table]:
    """The tables of a run by their names; `baselines` only where there are any.

    Raises:
        RunError: a record is damaged; of predictions, when their rows are read.
    """
    records = trials_of(result)
    tables = {
        "trials": _trials(result, records),
        "epochs": _epochs(records),
        "confusion": _confusion(records, result.genres),
        "predictions": _predictions(result.run, records, result.genres),
    }
    if result.baselines:
        with damage(f"the baselines' record in {result.run.path}"):
            tables["baselines"] = _baselines(result.run)
    return tables


def _keys(record: TrialRecord) -> tuple[Cell, ...]:
    return record.variant, record.trial.id, record.trial.seed


def _trials(result: RunResult, records: Sequence[TrialRecord]) -> Table:
    """A row a variant and trial."""
    columns = (
        *("study", "variant", "protocol", "dataset", "trial", "seed"),
        *("learning_rate", "optimizer", "batch_size", "status", "reason"),
        *("epochs", "best_epoch", "kept_epoch", "seconds"),
        *("validation_accuracy", "validation_macro_f1"),
        *("test_accuracy", "test_macro_f1", "test_batch_mean_f1"),
    )
    rows: list[Sequence[Cell]] = []
    for record in records:
        training, test = record.trial.training, record.test or Figures()
        validation = record.validation or Figures()
        rows.append(
            (
                result.study,
                record.variant,
                result.protocol,
                result.dataset,
                record.trial.id,
                record.trial.seed,
                training.learning_rate,
                training.optimizer,
                training.batch_size,
                record.status,
                record.reason,
                record.epochs,
                record.best_epoch,
                record.kept_epoch,
                record.seconds,
                validation.accuracy,
                validation.macro_f1,
                test.accuracy,
                test.macro_f1,
                test.batch_mean_f1,
            )
        )
    return Table(columns, rows)


def _epochs(records: Sequence[TrialRecord]) -> Table:
    """A row a trial and epoch, with every metric that any trial has."""
    metrics = tuple(dict.fromkeys(name for record in records for name in record.history))

    def rows() -> Iterator[Sequence[Cell]]:
        for record in records:
            seconds = dict(enumerate(record.epoch_seconds, start=1))
            nothing = [None] * max(map(len, record.history.values()), default=0)
            values = [record.history.get(name, nothing) for name in metrics]
            for epoch, told in enumerate(zip(*values, strict=True), start=1):
                yield (*_keys(record), epoch, seconds.get(epoch), *told)

    return Table((*_KEYS, "epoch", "seconds", *metrics), rows())


def _confusion(records: Sequence[TrialRecord], genres: Sequence[str]) -> Table:
    """A row a tested trial, true and predicted genre, those with no test row included."""
    rows = (
        (*_keys(record), true, predicted, count)
        for record in records
        for true, counts in zip(genres, record.confusion_matrix or (), strict=False)
        for predicted, count in zip(genres, counts, strict=True)
    )
    return Table((*_KEYS, "true", "predicted", "count"), rows)


def _predictions(run: RunDirectory, records: Sequence[TrialRecord], genres: Sequence[str]) -> Table:
    """A row a tested trial and test row, in stored order."""

    def rows() -> Iterator[Sequence[Cell]]:
        for record in records:
            found = record.test and predictions_of(run, record.trial.id, len(genres))
            if not found:
                continue
            n = len(found.label)
            starts = [None] * n if found.start is None else found.start.tolist()
            lists = (a.tolist() for a in (found.label, found.predicted, found.track))
            for row, (label, predicted, track, start, shares) in enumerate(
                zip(*lists, starts, found.probability.tolist(), strict=True)
            ):
                known = None if track == _UNKNOWN_TRACK else track
                yield (*_keys(record), row, genres[label], genres[predicted], known, start, *shares)

    probabilities = (f"probability_{genre}" for genre in genres)
    return Table((*_KEYS, "row", "label", "predicted", "track", "start", *probabilities), rows())


def _baselines(run: RunDirectory) -> Table:
    """A row a fit; one without figures where a baseline could not be fitted."""
    columns = (
        *("baseline", "what", "seed", "failure", "seconds"),
        *("validation_accuracy", "validation_macro_f1"),
        *("test_accuracy", "test_macro_f1", "test_batch_mean_f1"),
    )
    rows: list[Sequence[Cell]] = []
    for baseline in of_type(list, (run.read_baselines() or {})["baselines"]):
        name, what = of_type(str, baseline["name"]), of_type(str, baseline["what"])
        failure, fits = of_type(str, baseline["failure"]), of_type(list, baseline["fits"])
        if failure:
            rows.append((name, what, None, failure, *[None] * 6))
            continue
        for seed, fit in zip(baseline["seeds"] or [None], fits, strict=True):
            validation, test = fit["validation"], fit["test"]
            rows.append(
                (
                    name,
                    what,
                    None if seed is None else of_type(int, seed),
                    "",
                    number(fit["seconds"]),
                    share(validation["accuracy"]),
                    share(validation["macro_f1"]),
                    share(test["accuracy"]),
                    share(test["macro_f1"]),
                    share(test["batch_mean_f1"]),
                )
            )
    return Table(columns, rows)
