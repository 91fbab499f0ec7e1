"""What run.json says: all that going on with a run and understanding its records takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from data.datasets.dataset import Dataset
from data.datasets.published_arrays import is_source
from experiments.design.plan import Plan
from experiments.design.study import Study
from experiments.errors import MISSHAPEN, RunError
from experiments.training.cohorts import Cohort
from experiments.training.device import versions
from experiments.training.job import Settings


def run_facts(
    study: Study,
    dataset: Dataset,
    plan: Plan,
    cohorts: Sequence[Cohort],
    device: Mapping[str, Any],
    checkpoint_seconds: float,
) -> dict[str, Any]:
    """What run.json says of a run that is about to begin, JSON-ready.

    Args:
        study: that the plan was made of.
        dataset: to train and test on.
        plan: what is trained.
        cohorts: its trials, in groups that train in lockstep.
        device: its type, name, threads, precision and workers.
        checkpoint_seconds: see `Settings`.
    """
    documented = is_source(dataset)
    variants = {variant.name: variant for variant in study.variants}
    return {
        "study": study.name,
        "question": study.question,
        "about": study.about,
        "protocol": plan.protocol,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": {
            "name": dataset.name,
            "content_sha256": dataset.content_sha256,
            "genres": list(dataset.genres),
            "kind": dataset.provenance.get("kind", "unknown"),
            "is_source": documented,
            "rows": {split: len(rows) for split, rows in dataset.splits()},
        },
        "seeds": list(plan.seeds),
        "epochs": plan.epochs,
        "left_out": list(plan.left_out),
        "baselines": True,
        "variants": [
            {
                "name": planned.name,
                "candidates": [
                    {
                        "learning_rate": candidate.learning_rate,
                        "trials": [trial.id for trial in candidate.trials],
                    }
                    for candidate in planned.candidates
                ],
                # Figures that were measured on other rows compare with nothing here.
                "documented": [figure.to_dict() for figure in variants[planned.name].published]
                if documented
                else [],
                "note": variants[planned.name].note if plan.protocol == "documented" else "",
            }
            for planned in plan.variants
        ],
        "trials": {trial.id: trial.to_dict() for _, trial in plan.trials},
        "cohorts": [
            {"id": cohort.id, "trials": [trial.id for _, trial in cohort.trials]}
            for cohort in cohorts
        ],
        "device": dict(device),
        "checkpoint_seconds": checkpoint_seconds,
        "versions": versions(),
    }


def cohorts_of(facts: Mapping[str, Any], plan: Plan) -> tuple[Cohort, ...]:
    """The cohorts that run.json tells of.

    Raises:
        RunError: it is damaged.
    """
    named = {trial.id: (variant, trial) for variant, trial in plan.trials}
    try:
        cohorts = tuple(
            Cohort(tuple(named[name] for name in planned["trials"])) for planned in facts["cohorts"]
        )
        if [cohort.id for cohort in cohorts] != [planned["id"] for planned in facts["cohorts"]]:
            raise ValueError("its cohorts have other names")
        if sorted(t.id for c in cohorts for _, t in c.trials) != sorted(named):
            raise ValueError("its cohorts have other trials")
    except MISSHAPEN as error:
        raise RunError(f"run.json is damaged: {error!s:.200}.") from error
    return cohorts


def settings_of(facts: Mapping[str, Any]) -> tuple[Settings, int]:
    """How the trials of a run are computed, and by how many workers.

    Raises:
        RunError: run.json is damaged.
    """
    try:
        device = facts["device"]
        settings = Settings(
            str(device["type"]),
            int(device["threads"]),
            device["precision"],
            tested=facts["protocol"] == "documented",
            checkpoint_seconds=float(facts["checkpoint_seconds"]),
        )
        return settings, int(device["workers"])
    except MISSHAPEN as error:
        raise RunError(f"run.json is damaged: its device is not clear ({error!r:.80}).") from error


def other_versions(facts: Mapping[str, Any]) -> list[str]:
    """How the versions here differ from those that a run began with, a phrase each."""
    before, now = facts.get("versions"), versions()
    if not isinstance(before, dict):
        return ["its versions are not known"]
    return [
        f"{name} {before.get(name, 'not known')!s:.40} then, {now[name]} now"
        for name in now
        if before.get(name) != now[name]
    ]
