"""The selected confusion matrix: of which trial, rows and epoch, and where it is read from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.design.plan import Candidate, by_fold
from experiments.results.confusion_matrix import Counts
from experiments.runs.directory import RunDirectory
from experiments.runs.progress import TrialProgress
from genre_tui.confusion.matrix import CellGrid, added
from genre_tui.model.run_model import RunModel

Tests = Mapping[str, Counts | None]


@dataclass(frozen=True)
class MatrixSelection:
    """Which matrix is shown.

    Args:
        trial: its id.
        epoch: of validation rows, from 1; None for the newest.
        all_seeds: whether to sum over the seeds and folds of the trial's variant and learning rate;
            of test rows over the learning rate that was selected on each fold.
    """

    trial: str
    rows: Literal["validation", "test"] = "validation"
    epoch: int | None = None
    all_seeds: bool = False


@dataclass(frozen=True)
class MatrixView:
    """The matrix of a selection, and how it is shown.

    Args:
        counts: None where there is no matrix.
        title: rows, variant, seed and learning rate.
        trials: ids of the trials in the sum.
        epoch: of validation rows; 0 for test rows.
        missing: why there is no matrix, a sentence, or "".
        grid: the cells, once a unit is chosen.
        minus: title of the matrix that is subtracted, or "".
        follows: whether it changes with each new epoch.
    """

    counts: Counts | None = None
    title: str = ""
    trials: tuple[str, ...] = ()
    epoch: int = 0
    missing: str = ""
    grid: CellGrid | None = None
    minus: str = ""
    follows: bool = False


def seed_siblings(model: RunModel, trial: str) -> tuple[str, ...]:
    """Ids of the trials that differ from one in their seeds and folds only, that one included."""
    for variant in model.manifest.variants:
        for alike in zip(*by_fold(variant.candidates), strict=True):
            ids = tuple(name for candidate in alike for name in candidate.ids)
            if trial in ids:
                return ids
    return (trial,)


def trials_needed(model: RunModel, selection: MatrixSelection) -> tuple[str, ...]:
    """Ids of the trials whose matrices a selection needs."""
    if not selection.all_seeds:
        return (selection.trial,)
    if folds := _tested_on_folds(model, selection):
        return tuple(name for fold in folds for candidate in fold for name in candidate.ids)
    return seed_siblings(model, selection.trial)


def _tested_on_folds(model: RunModel, selection: MatrixSelection) -> list[list[Candidate]]:
    """The candidates on each fold of which the selected ones are summed; none without folds."""
    trial = model.trials.get(selection.trial)
    if trial is None or trial.fold is None or selection.rows != "test":
        return []
    for variant in model.manifest.variants:
        if any(trial.id in candidate.ids for candidate in variant.candidates):
            return by_fold(variant.candidates)
    return []


def select_matrix(model: RunModel, selection: MatrixSelection, tests: Tests) -> MatrixView:
    """The matrix of a selection.

    `tests` are matrices of test rows by trial, as far as they have been read; None for a trial
    that was not tested.
    """
    trial = model.trials.get(selection.trial)
    if trial is None:
        missing = "Reading the run ..." if model.trials else "This run has no trials."
        return MatrixView(missing=missing)
    wanted = trials_needed(model, selection)
    epoch, missing = 0, ""
    if selection.rows == "test":
        rows = "test rows"
        found = {name: counts for name in wanted if (counts := tests.get(name)) is not None}
        if selection.all_seeds and (folds := _tested_on_folds(model, selection)):
            chosen = [max(fold, key=lambda one: len(found.keys() & one.ids)) for fold in folds]
            names = {name for candidate in chosen for name in candidate.ids}
            found = {name: counts for name, counts in found.items() if name in names}
        if not tests.keys() >= set(wanted):
            missing = "Reading the test rows' matrix ..."
        elif not found:
            missing = _untested(model, trial)
    else:
        kept = trial.history.matrix_epochs
        epoch = kept[place_of(kept, selection.epoch)] if kept else 0
        rows = f"validation rows after epoch {epoch} of {max(trial.epochs, epoch)}"
        found = {
            name: counts
            for name in wanted
            if (there := model.trials.get(name)) and (counts := there.history.confusion(epoch))
        }
        size = len(model.genres)
        if not kept:
            rows, missing = "validation rows", _no_epoch(model, trial)
        elif any([len(row) for row in counts] != [size] * size for counts in found.values()):
            missing = "The run's events of this epoch are damaged."
    count = len(wanted if missing else found)
    seeds = trial.replicate
    if selection.all_seeds and count > 1:
        what = "seeds" if trial.fold is None else "trainings on all folds"
        seeds = f"{count} {what} summed"
    rates = {model.trials[name].learning_rate for name in found} or {trial.learning_rate}
    title = f"{rows}, {trial.variant}, {seeds}, learning rate "
    title += ", ".join(f"{rate:g}" for rate in sorted(rates))
    if missing:
        return MatrixView(title=title, missing=missing)
    return MatrixView(added(found.values()), title, tuple(found), epoch)


def place_of(epochs: Sequence[int], epoch: int | None) -> int:
    """Index of the last epoch up to `epoch`, else of the first; of the newest one for None."""
    return len(epochs) - 1 if epoch is None else max(bisect_right(epochs, epoch) - 1, 0)


def _untested(model: RunModel, trial: TrialProgress) -> str:
    match trial.status:
        case "failed":
            return f"This trial failed: {trial.reason}" if trial.reason else "This trial failed."
        case "diverged":
            return "This trial diverged: its loss was not finite, so it was not tested."
    if model.is_alive:
        return "Not tested yet. Press b for the validation rows, epoch by epoch."
    return (
        "This trial was not tested: only the learning rate that validation selects is. "
        "Press n for the next trial, or b for the validation rows."
    )


def _no_epoch(model: RunModel, trial: TrialProgress) -> str:
    if trial.status == "waiting" and model.is_alive:
        return "This trial waits for its turn. Press n for the next one."
    if trial.status == "training":
        return "The first epoch of this trial has not ended yet."
    if trial.status == "failed" and trial.reason:
        return f"This trial failed: {trial.reason}"
    return "The run's events have no epoch of this trial. Press b for the test rows."


def read_tests(run: RunDirectory, trials: Iterable[str], classes: int) -> dict[str, Counts | None]:
    """Read the matrices of test rows from the trials' results; None where there is none.

    Raises:
        RunError: a result is damaged.
    """
    results = ((trial, run.read_result(trial, classes)) for trial in trials)
    return {
        trial: result.test.confusion_matrix if result and result.test else None
        for trial, result in results
    }


def first_tested(
    run: RunDirectory, trials: Iterable[str], classes: int
) -> tuple[str, Counts] | None:
    """The first of some trials that was tested, with its matrix; None for none."""
    for trial in trials:
        counts = read_tests(run, [trial], classes)[trial]
        if counts is not None:
            return trial, counts
    return None
