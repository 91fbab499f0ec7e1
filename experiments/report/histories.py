"""How trials went, epoch by epoch, from their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.errors import MISSHAPEN, RunError
from experiments.results.run_result import CandidateResult, VariantResult
from experiments.runs.directory import RunDirectory
from experiments.runs.validation import number, of_type

Float64 = npt.NDArray[np.float64]

NAMES = ("loss", "val_loss", "accuracy", "val_accuracy", "val_macro_f1", "learning_rate")
_MOST_EPOCHS = 100_000  # that a run can be asked for


@dataclass(frozen=True)
class Histories:
    """What the trials of one variant and learning rate recorded of each epoch.

    Args:
        figures: by their names; not a number where a trial had ended or its figure was
            not finite. [shape=(trials, epochs)]
        finished: whether each trial did, rather than diverge. [shape=(trials,)]
        kept: epoch whose weights each trial kept, 0 where that is not known.
            [shape=(trials,)]
        epochs: of the longest trial.
    """

    figures: dict[str, Float64]
    finished: npt.NDArray[np.bool_]
    kept: npt.NDArray[np.int64]
    epochs: int

    def of(self, name: str, *, finished: bool = True) -> Float64:
        """A figure of the trials that finished, or of those that did not; empty if unknown."""
        values = self.figures.get(name)
        chosen = self.finished == finished
        return np.empty((0, self.epochs)) if values is None else values[chosen]


def shown_rate(variant: VariantResult) -> CandidateResult:
    """The learning rate that was selected; before selection, the best so far."""
    if variant.n:
        return next(t for t in variant.candidates if t.learning_rate == variant.learning_rate)
    return max(variant.candidates, key=lambda tried: tried.validation_macro_f1.mean or 0.0)


def read(run: RunDirectory, trials: Sequence[str]) -> Histories:
    """The histories of trials; those without one are left out.

    Raises:
        RunError: a record is damaged.
    """
    told = []
    for trial in trials:
        result = run.read_result(trial)
        if not result or "history" not in result:
            continue
        try:
            told.append((_history(result), result["status"] == "finished", _kept(result)))
        except MISSHAPEN as error:
            raise RunError(
                f"the history of trial {trial} in {run.path} is damaged ({error!r:.80})."
            ) from error
    told = [one for one in told if one[0]]
    epochs = max((len(v) for history, _, _ in told for v in history.values()), default=0)
    names = [name for name in NAMES if any(name in history for history, _, _ in told)]
    figures = {name: np.full((len(told), epochs), np.nan) for name in names}
    for place, (history, _, _) in enumerate(told):
        for name, values in history.items():
            figures[name][place, : len(values)] = values
    return Histories(
        figures,
        np.array([finished for _, finished, _ in told], dtype=bool),
        np.array([kept for _, _, kept in told], dtype=np.int64),
        epochs,
    )


def _history(result: dict[str, Any]) -> dict[str, list[float]]:
    history = of_type(dict, result["history"])
    told = {name: of_type(list, history[name]) for name in NAMES if name in history}
    if any(len(values) > _MOST_EPOCHS for values in told.values()):
        raise ValueError(f"more than {_MOST_EPOCHS} epochs")
    return {
        name: [np.nan if value is None else number(value) for value in values]
        for name, values in told.items()
        if values
    }


def _kept(result: dict[str, Any]) -> int:
    kept = result.get("kept_epoch")
    return kept if type(kept) is int and 0 <= kept <= _MOST_EPOCHS else 0
