"""Which confusion matrix is looked at, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.errors import MISSHAPEN, RunError
from experiments.results.confusion_matrix import Counts
from experiments.runs.directory import RunDirectory
from experiments.runs.progress import TrialProgress
from experiments.runs.validation import summed_counts
from genre_tui.confusion.matrix import added
from genre_tui.model.run_model import RunModel

Tests = Mapping[str, Counts | None]


@dataclass(frozen=True)
class Look:
    """A choice of matrix.

    Args:
        trial: id of the trial.
        rows: of the validation split after an epoch, or of the test split.
        epoch: from 1; None follows the newest.
        all_seeds: sums over the seeds of the trial's variant and learning rate.
    """

    trial: str
    rows: Literal["validation", "test"] = "validation"
    epoch: int | None = None
    all_seeds: bool = False


@dataclass(frozen=True)
class Seen:
    """What a look shows.

    Args:
        counts: of rows; None where there is no such matrix.
        title: what they are.
        trials: that they are summed over.
        epoch: after which, and `of` how many; 0 for test rows.
        missing: why there is none, a sentence; "" where there is one.
    """

    counts: Counts | None
    title: str
    trials: tuple[str, ...] = ()
    epoch: int = 0
    of: int = 0
    missing: str = ""


def peers(model: RunModel, trial: str) -> tuple[str, ...]:
    """Trials that differ from one in their seeds only, that one among them."""
    for variant in model.facts["variants"]:
        for candidate in variant["candidates"]:
            names = tuple(str(name) for name in candidate["trials"])
            if trial in names:
                return names
    return (trial,)


def looked_over(model: RunModel, look: Look) -> tuple[str, ...]:
    """Trials whose matrices a look needs."""
    return peers(model, look.trial) if look.all_seeds else (look.trial,)


def see(model: RunModel, look: Look, tests: Tests) -> Seen:
    """The matrix that is looked at.

    Args:
        model: of the run.
        look: which matrix.
        tests: matrices of the test rows by trial, as far as they have been read; None
            where a trial was not tested.
    """
    trial = model.trials.get(look.trial)
    if trial is None:
        return Seen(None, "", missing="This run has no trials.")
    return _test(model, look, trial, tests) if look.rows == "test" else _epoch(model, look, trial)


def _test(model: RunModel, look: Look, trial: TrialProgress, tests: Tests) -> Seen:
    wanted = looked_over(model, look)
    title = f"test rows, {_whose(trial, look, len(wanted))}"
    if any(name not in tests for name in wanted):
        return Seen(None, title, missing="Reading the test rows' matrix ...")
    there = [(name, counts) for name in wanted if (counts := tests[name]) is not None]
    if not there:
        return Seen(None, title, missing=_untested(model, trial))
    names = tuple(name for name, _ in there)
    title = f"test rows, {_whose(trial, look, len(names))}"
    return Seen(added(counts for _, counts in there), title, names)


def _epoch(model: RunModel, look: Look, trial: TrialProgress) -> Seen:
    if not trial.confusions:
        title = f"validation rows, {_whose(trial, look, len(looked_over(model, look)))}"
        return Seen(None, title, of=trial.epochs, missing=_no_epoch(model, trial))
    newest = len(trial.confusions)
    number = newest if look.epoch is None else min(max(look.epoch, 1), newest)
    trials = model.trials
    there = [name for name in looked_over(model, look) if name in trials]
    names = tuple(name for name in there if len(trials[name].confusions) >= number)
    matrices = [model.trials[name].confusions[number - 1] for name in names]
    title = f"validation rows after epoch {number} of {max(trial.epochs, number)}, "
    title += _whose(trial, look, len(names))
    size = len(model.genres)
    if any([len(row) for row in matrix] != [size] * size for matrix in matrices):
        return Seen(None, title, missing="The run's events of this epoch are damaged.")
    return Seen(added(matrices), title, names, number, trial.epochs)


def _whose(trial: TrialProgress, look: Look, count: int) -> str:
    seeds = f"{count} seeds summed" if look.all_seeds and count > 1 else f"seed {trial.seed}"
    return f"{trial.variant}, {seeds}, learning rate {trial.learning_rate:g}"


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
    return "The run's events tell of no epoch of this trial. Press b for the test rows."


def read_tests(run: RunDirectory, trials: Iterable[str], classes: int) -> dict[str, Counts | None]:
    """Matrices of the test rows from the trials' results; None where there is none.

    Args:
        run: its directory.
        trials: their ids.
        classes: number of genres.

    Raises:
        RunError: a result is damaged.
    """
    found: dict[str, Counts | None] = {}
    for trial in trials:
        try:
            result = run.read_result(trial)
            test = result["test"] if result else None
            found[trial] = summed_counts([test["confusion_matrix"]], classes) if test else None
        except RunError:
            raise
        except (OSError, *MISSHAPEN) as error:
            raise RunError(
                f"the result of trial {trial} in {run.path} is damaged ({error!r:.80})."
            ) from error
    return found


def first_tested(
    run: RunDirectory, trials: Iterable[str], classes: int
) -> tuple[str, Counts] | None:
    """The first of some trials that was tested, with its matrix; None where none was."""
    for trial in trials:
        counts = read_tests(run, [trial], classes)[trial]
        if counts is not None:
            return trial, counts
    return None
