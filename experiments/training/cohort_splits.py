"""Cohorts that cannot go on together train in parts, in a resumed run as well."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.errors import DamagedRecordError
from experiments.runs.directory import RunDirectory
from experiments.training.cohorts import Cohort


def planned_parts(run: RunDirectory, cohort: Cohort) -> list[Cohort]:
    """The cohorts that a planned one trains as: itself, or parts where it was split.

    Raises:
        RunError: the record of a split is damaged.
    """
    split = run.read_split(cohort.id)
    if split is None:
        return [cohort]
    named = {trial.id: (variant, trial) for variant, trial in cohort.trials}
    if any(not 0 < len(part) < len(named) or not named.keys() >= set(part) for part in split):
        raise DamagedRecordError(f"split.json of the cohort {cohort.id} is of another one.")
    parts = [Cohort(tuple(named[name] for name in part)) for part in split]
    return [each for part in parts for each in planned_parts(run, part)]


def record_split(run: RunDirectory, cohort: Cohort, parts: Sequence[Cohort], reason: str) -> None:
    """Record that a cohort trains in parts, so that a resumed run does the same."""
    run.write_split(cohort.id, [[trial.id for _, trial in part.trials] for part in parts], reason)
