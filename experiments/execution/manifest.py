"""The manifest of a run that begins, and what a run that goes on takes from its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from data.datasets.dataset import Dataset
from data.datasets.published_arrays import is_source
from experiments.design.plan import Plan
from experiments.design.search_settings import Search
from experiments.design.study import Study
from experiments.design.trial import Trial
from experiments.errors import DamagedRecordError
from experiments.runs.manifest import (
    CohortRecord,
    DatasetRecord,
    DeviceRecord,
    RunManifest,
    SearchRecord,
    VariantRecord,
)
from experiments.training.cohorts import Cohort
from experiments.training.device import versions
from experiments.training.job import Settings


def make_manifest(
    study: Study,
    dataset: Dataset,
    plan: Plan,
    cohorts: Sequence[Cohort],
    device: DeviceRecord,
    checkpoint_seconds: float,
    search: Search | None = None,
) -> RunManifest:
    """The manifest of a run that is about to begin.

    Args:
        study: that the plan was made of.
        dataset: to train and test on.
        plan: what is trained.
        cohorts: its trials, in groups that train in lockstep.
        device: that trains.
        checkpoint_seconds: see `Settings`.
        search: where trials are drawn; `plan` has no candidates then.
    """
    of_source = is_source(dataset)
    variants = {variant.name: variant for variant in study.variants}
    return RunManifest(
        study=study.name,
        question=study.question,
        about=study.about,
        protocol=plan.protocol,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        dataset=DatasetRecord(
            name=dataset.name,
            content_sha256=dataset.content_sha256,
            genres=dataset.genres,
            kind=dataset.provenance.get("kind", "unknown"),
            is_source=of_source,
            rows={split: len(rows) for split, rows in dataset.splits()},
        ),
        seeds=plan.seeds,
        epochs=plan.epochs,
        left_out=plan.left_out,
        baselines=True,
        variants=tuple(
            VariantRecord(
                planned.name,
                planned.candidates,
                # Figures that were measured on other rows compare with nothing here.
                variants[planned.name].published if of_source else (),
                variants[planned.name].note if plan.protocol == "documented" else "",
            )
            for planned in plan.variants
        ),
        trials={trial.id: trial for _, trial in plan.trials},
        cohorts=tuple(cohort.record for cohort in cohorts),
        device=device,
        checkpoint_seconds=checkpoint_seconds,
        versions=versions(),
        search=None if search is None else SearchRecord(search),
    )


def cohorts_of(
    records: Iterable[CohortRecord], trials: Iterable[tuple[str, Trial]]
) -> tuple[Cohort, ...]:
    """The cohorts of trials that a manifest or a generation names.

    Raises:
        DamagedRecordError: they have other ids.
    """
    named = {trial.id: (variant, trial) for variant, trial in trials}
    cohorts = []
    for record in records:
        cohort = Cohort(tuple(named[name] for name in record.trials))
        if cohort.id != record.id:
            raise DamagedRecordError(f"run.json is damaged: {record.id:.40} is another cohort.")
        cohorts.append(cohort)
    return tuple(cohorts)


def settings_of(manifest: RunManifest) -> Settings:
    """How the trials of a run are computed."""
    device = manifest.device
    return Settings(
        device.type,
        device.threads,
        device.precision,
        tested=manifest.protocol == "documented",
        checkpoint_seconds=manifest.checkpoint_seconds,
    )


def other_versions(manifest: RunManifest) -> list[str]:
    """How the versions here differ from those that a run began with, a phrase each."""
    before, now = manifest.versions, versions()
    return [
        f"{name} {before.get(name, 'not known'):.40} then, {now[name]} now"
        for name in now
        if before.get(name) != now[name]
    ]
