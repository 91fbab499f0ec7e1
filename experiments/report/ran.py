"""What exactly was run: the command, the machine, every trial."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass, replace

from experiments.design.request import Computing
from experiments.design.study import Study, Variant
from experiments.errors import RunError
from experiments.results.run_result import RunResult
from experiments.runs.trial_result import TrialResult
from experiments.studies import STUDIES


@dataclass(frozen=True)
class TrialRow:
    """A trial, as its record tells; None where it does not.

    Args:
        variant, learning_rate, seed, trial: that name it.
        status: "finished", "diverged", "failed", or "no result".
        epochs, kept_epoch: trained for, and whose weights were kept.
        validation_macro_f1, accuracy: shares; accuracy is of the test rows.
        seconds: of its training, its part where several trained in lockstep.
        reason: of a failure.
    """

    variant: str
    learning_rate: float
    seed: int | None
    trial: str
    status: str
    epochs: int | None = None
    kept_epoch: int | None = None
    validation_macro_f1: float | None = None
    accuracy: float | None = None
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Ran:
    """What was run.

    Args:
        command: that asks for the same; empty where the records do not tell.
        is_own: whether the study was of the user's own making, beyond what flags say.
        trials: all of them, as planned.
    """

    command: str
    is_own: bool
    trials: tuple[TrialRow, ...]


def what_ran(result: RunResult) -> Ran:
    """The command and the trials of a run."""
    command, is_own = _command(result)
    trials = tuple(
        _row(variant.name, tried.learning_rate, trial, found)
        for variant in result.variants
        for tried in variant.candidates
        for trial, found in zip(tried.trials, tried.results, strict=True)
    )
    return Ran(command, is_own, trials)


def _row(variant: str, rate: float, trial: str, result: TrialResult | None) -> TrialRow:
    if result is None:
        return TrialRow(variant, rate, None, trial, "no result")
    row = TrialRow(variant, rate, result.seed, trial, result.status)
    if result.status == "failed":
        return replace(row, reason=result.reason)
    finished, test = result.is_finished, result.test
    return replace(
        row,
        epochs=result.epochs,
        kept_epoch=result.kept_epoch if finished else None,
        validation_macro_f1=result.score if finished else None,
        accuracy=test.accuracy if test else None,
        seconds=result.training_seconds,
    )


def _command(result: RunResult) -> tuple[str, bool]:
    """The command that asks for a run again, and whether its study is the user's own."""
    try:
        request = result.run.read_request()
    except RunError:
        return "", False
    if request.search is not None:
        return "", False  # drawn, not planned: no `run` repeats it
    epochs, options = result.manifest.epochs, asdict(request.options)
    words = ["python", "-m", "experiments", "run", result.study]
    chosen, is_own = _variants(request.study)
    words += ["--data", result.dataset, "--protocol", result.protocol]
    words += ["--seeds", str(result.seeds)]
    words += ["--epochs", str(epochs)] if epochs else []
    words += [f"--{name}" for name in ("quick", "extended") if options[name] is True]
    words += ["--variants", ",".join(chosen)] if chosen else []
    computing = asdict(request.computing)
    for name, usual in asdict(Computing()).items():
        if computing[name] != usual:
            words += [f"--{name.replace('_', '-')}", str(computing[name])]
    return shlex.join(words), is_own


def _variants(study: Study) -> tuple[list[str], bool]:
    """The names to choose among a study's variants, if any; whether it is the user's own."""
    known = STUDIES.get(study.name)
    if known is None or study.budget != known.budget:
        return [], True
    there = {variant.name: variant for variant in known.variants}
    # Published figures say nothing about what is trained.
    if any(_training(there.get(variant.name)) != _training(variant) for variant in study.variants):
        return [], True
    names = [variant.name for variant in study.variants]
    return ([] if names == list(there) else names), False


def _training(variant: Variant | None) -> object:
    return variant and (variant.network, variant.training, variant.controlled)
