"""What exactly was run: the command, the machine, every trial."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from experiments.design.request import Computing
from experiments.errors import MISSHAPEN, RunError
from experiments.results.run_result import RunResult
from experiments.runs.directory import RunDirectory
from experiments.runs.validation import number, of_type
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
    """The command and the trials of a run.

    Raises:
        RunError: a trial's record is damaged.
    """
    command, is_own = _command(result)
    trials = tuple(
        _trial(result.run, variant.name, tried.learning_rate, trial)
        for variant in result.variants
        for tried in variant.candidates
        for trial in tried.trials
    )
    return Ran(command, is_own, trials)


def _trial(run: RunDirectory, variant: str, rate: float, trial: str) -> TrialRow:
    found = run.read_result(trial)
    if found is None:
        return TrialRow(variant, rate, None, trial, "no result")
    try:
        row = TrialRow(variant, rate, _count(found.get("seed")), trial, str(found["status"]))
        if row.status == "failed":
            return replace(row, reason=of_type(str, found["reason"]))
        seconds = math.fsum(number(part) for part in of_type(list, found["epoch_seconds"]))
        finished, test = row.status == "finished", found["test"]
        return replace(
            row,
            epochs=_count(found["epochs"]),
            kept_epoch=_count(found.get("kept_epoch")) if finished else None,
            validation_macro_f1=number(found["validation"]["macro_f1"]) if finished else None,
            accuracy=number(test["accuracy"]) if test else None,
            seconds=seconds / max(of_type(int, found["cohort"]["size"]), 1),
        )
    except MISSHAPEN as error:
        raise RunError(
            f"the record of trial {trial} in {run.path} is damaged ({error!r:.80})."
        ) from error


def _count(value: Any) -> int | None:
    return None if value is None else of_type(int, value)


def _command(result: RunResult) -> tuple[str, bool]:
    """The command that asks for a run again, and whether its study is the user's own."""
    try:
        request = result.run.read_request()
        if request.get("search") is not None:
            return "", False  # drawn, not planned: no `run` repeats it
        study, options = of_type(dict, request["study"]), of_type(dict, request["options"])
        computing = asdict(Computing()) | of_type(dict, request["computing"])
        words = ["python", "-m", "experiments", "run", result.study]
        chosen, is_own = _variants(study)
        words += ["--data", result.dataset, "--protocol", result.protocol]
        words += ["--seeds", str(result.seeds)]
        words += ["--epochs", str(result.epochs)] if result.epochs else []
        words += [f"--{name}" for name in ("quick", "extended") if options.get(name) is True]
        words += ["--variants", ",".join(chosen)] if chosen else []
        for name, usual in asdict(Computing()).items():
            if computing[name] != usual:
                words += [f"--{name.replace('_', '-')}", str(computing[name])]
    except MISSHAPEN:
        return "", False
    return shlex.join(words), is_own


def _variants(study: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The names to choose among a study's variants, if any; whether it is the user's own."""
    known = STUDIES.get(of_type(str, study["name"]))
    if known is None:
        return [], True
    there = {variant.name: _plain(variant.to_dict()) for variant in known.variants}
    asked = of_type(list, study["variants"])
    budget = study["epochs"], study["learning_rates"]
    if budget != (known.budget.epochs, list(known.budget.learning_rates)):
        return [], True
    # Documented figures say nothing about what is trained.
    if any(_training(there.get(variant["name"])) != _training(variant) for variant in asked):
        return [], True
    names = [variant["name"] for variant in asked]
    return ([] if names == list(there) else names), False


def _training(variant: Mapping[str, Any] | None) -> Any:
    return variant and {name: variant[name] for name in ("network", "training", "controlled")}


def _plain(value: Any) -> Any:
    """As it comes back from JSON."""
    return json.loads(json.dumps(value))
