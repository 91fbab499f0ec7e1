"""How trials went, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.results.run_result import CandidateResult, VariantResult

Float64 = npt.NDArray[np.float64]

NAMES = ("loss", "val_loss", "accuracy", "val_accuracy", "val_macro_f1", "learning_rate")


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
        return variant.selected
    return max(variant.candidates, key=lambda tried: tried.validation_macro_f1.mean or 0.0)


def of_candidate(candidate: CandidateResult) -> Histories:
    """The histories of a candidate's trials; those without one are left out."""
    results = [result for result in candidate.results if result and result.history]
    epochs = max((result.epochs for result in results), default=0)
    names = [name for name in NAMES if any(name in result.history for result in results)]
    figures = {name: np.full((len(results), epochs), np.nan) for name in names}
    for place, result in enumerate(results):
        for name in names:
            values = np.array(result.history.get(name, []), dtype=float)  # None becomes NaN
            figures[name][place, : len(values)] = values
    return Histories(
        figures,
        np.array([result.is_finished for result in results], dtype=bool),
        np.array([result.kept_epoch or 0 for result in results], dtype=np.int64),
        epochs,
    )
