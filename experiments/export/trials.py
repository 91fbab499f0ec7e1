"""The trials of a run beside their results."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.design.trial import Trial
from experiments.results.run_result import RunResult
from experiments.runs.trial_result import TrialResult

UNTRAINED = "untrained"


@dataclass(frozen=True)
class ExportedTrial:
    """A trial of a variant; a trial that two variants share is there once for each.

    Args:
        variant: name of the variant.
        trial: what was to be trained.
        result: None where there is none yet.
    """

    variant: str
    trial: Trial
    result: TrialResult | None

    @property
    def status(self) -> str:
        """Of its result, or "untrained"."""
        return UNTRAINED if self.result is None else self.result.status


def trials_of(result: RunResult) -> tuple[ExportedTrial, ...]:
    """All trials of a run, variant by variant, in the order of the plan."""
    return tuple(
        ExportedTrial(variant.name, trial, found)
        for variant in result.variants
        for candidate, tried in zip(variant.record.candidates, variant.candidates, strict=True)
        for trial, found in zip(candidate.trials, tried.results, strict=True)
    )
