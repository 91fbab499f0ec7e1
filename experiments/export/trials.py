"""The trials of a run as its records tell of them, checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from experiments.design.plan import plan_of
from experiments.design.trial import Trial
from experiments.errors import MISSHAPEN, RunError
from experiments.results.run_result import RunResult
from experiments.runs.validation import number, of_type, summed_counts

UNTRAINED = "untrained"


@dataclass(frozen=True)
class Figures:
    """What a trial reached on one split: shares between 0 and 1.

    Args:
        accuracy, macro_f1: over its rows; None where they are not known or not finite.
        batch_mean_f1: of the test rows only.
    """

    accuracy: float | None = None
    macro_f1: float | None = None
    batch_mean_f1: float | None = None


@dataclass(frozen=True)
class TrialRecord:
    """A trial of a variant; a trial that two variants share has a record for each.

    Args:
        variant: name of the variant.
        trial: what was to be trained.
        status: "finished", "diverged" or "failed"; "untrained" where there is no
            result yet.
        reason: of a failure.
        epochs: that it was trained for.
        best_epoch: with the best validation macro-F1, counted from 1.
        kept_epoch: whose weights were kept.
        epoch_seconds: of each epoch; where several trials trained in lockstep, its
            part of their time.
        validation: at the epoch that was kept.
        test: None where the test rows were not looked at.
        confusion_matrix: of the test rows, rows true, columns predicted.
        history: a value an epoch of each metric; None where it was not finite.
    """

    variant: str
    trial: Trial
    status: str = UNTRAINED
    reason: str = ""
    epochs: int | None = None
    best_epoch: int | None = None
    kept_epoch: int | None = None
    epoch_seconds: tuple[float, ...] = ()
    validation: Figures | None = None
    test: Figures | None = None
    confusion_matrix: list[list[int]] | None = None
    history: Mapping[str, list[float | None]] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """Of its training; None where it was not trained."""
        return math.fsum(self.epoch_seconds) if self.epoch_seconds else None


def trials_of(result: RunResult) -> tuple[TrialRecord, ...]:
    """All trials of a run, variant by variant, in the order of the plan.

    Raises:
        RunError: a record is damaged.
    """
    run, records = result.run, []
    with damage(str(run.path / "run.json")):
        plan = plan_of(run.read_run())
    for variant in plan.variants:
        for trial in (trial for candidate in variant.candidates for trial in candidate.trials):
            with damage(f"the record of trial {trial.id} in {run.path}"):
                of_type(int, trial.seed)
                found = run.read_result(trial.id)
                records.append(_record(variant.name, trial, found, len(result.genres)))
    return tuple(records)


@contextmanager
def damage(what: str) -> Iterator[None]:
    """Turn errors of a record that is not as ours are into a sentence.

    Raises:
        RunError: `what` is damaged.
    """
    try:
        yield
    except RunError:
        raise
    except MISSHAPEN as error:
        raise RunError(f"{what} is damaged ({error!r:.80}).") from error


def _record(variant: str, trial: Trial, result: dict[str, Any] | None, classes: int) -> TrialRecord:
    if result is None:
        return TrialRecord(variant, trial)
    status = of_type(str, result["status"])
    if status == "failed":
        return TrialRecord(variant, trial, status, of_type(str, result["reason"]))
    size = max(of_type(int, of_type(dict, result["cohort"])["size"]), 1)
    epochs = of_type(int, result["epochs"])
    history = {
        of_type(str, name): [_finite(value) for value in of_type(list, values)]
        for name, values in of_type(dict, result.get("history", {})).items()
    }
    if any(len(values) != epochs for values in history.values()):
        raise ValueError(f"a history of other than {epochs} epochs")
    test = of_type(dict, result["test"]) if result["test"] else None
    return TrialRecord(
        variant,
        trial,
        status,
        epochs=epochs,
        best_epoch=_count(result.get("best_epoch")),
        kept_epoch=_count(result.get("kept_epoch")),
        epoch_seconds=tuple(number(s) / size for s in of_type(list, result["epoch_seconds"])),
        validation=_figures(of_type(dict, result["validation"])),
        test=_figures(test) if test else None,
        confusion_matrix=summed_counts([test["confusion_matrix"]], classes) if test else None,
        history=history,
    )


def _figures(shares: dict[str, Any]) -> Figures:
    return Figures(
        _finite(shares["accuracy"]),
        _finite(shares["macro_f1"]),
        _finite(shares.get("batch_mean_f1")),
    )


def _finite(value: Any) -> float | None:
    return None if value is None else number(value)


def _count(value: Any) -> int | None:
    return None if value is None else of_type(int, value)
