"""The manifest of a run that begins."""

from __future__ import annotations

from datetime import UTC, datetime

from data.datasets.dataset import Dataset
from data.datasets.source_dataset import is_source
from experiments.design.request import Request
from experiments.design.search_settings import Search
from experiments.runs.manifest import (
    DatasetRecord,
    DeviceRecord,
    RunManifest,
    SearchRecord,
    VariantRecord,
)
from experiments.training.device import Machine, versions
from experiments.training.planning import PlannedRun


def make_manifest(
    request: Request,
    dataset: Dataset,
    machine: Machine,
    planned: PlannedRun,
    search: Search | None = None,
) -> RunManifest:
    """The manifest of a run that is about to begin.

    Args:
        request: of the run.
        dataset: to train and test on.
        machine: that trains.
        planned: what is trained; in a search, variants without candidates.
        search: with the settings that it has on this machine.
    """
    study, computing, plan = request.study, request.computing, planned.plan
    of_source = is_source(dataset)
    variants = {variant.name: variant for variant in study.variants}
    return RunManifest(
        study=study.name,
        question=study.question,
        about=study.about,
        protocol=plan.protocol,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        dataset=DatasetRecord(
            dataset.name,
            dataset.content_sha256,
            dataset.genres,
            dataset.provenance.get("kind", "unknown"),
            of_source,
            {split: len(rows) for split, rows in dataset.splits()},
        ),
        seeds=plan.seeds,
        epochs=plan.epochs,
        left_out=plan.left_out,
        baselines=True,
        variants=tuple(
            VariantRecord(
                variant.name,
                variant.candidates,
                # Figures that were measured on other rows compare with nothing here.
                variants[variant.name].published if of_source else (),
                variants[variant.name].note if plan.protocol == "documented" else "",
            )
            for variant in plan.variants
        ),
        trials={trial.id: trial for _, trial in plan.trials},
        cohorts=tuple(cohort.record for cohort in planned.cohorts),
        device=DeviceRecord(
            machine.device, machine.name, computing.threads, computing.precision, planned.workers
        ),
        checkpoint_seconds=computing.checkpoint_seconds,
        versions=versions(),
        search=None if search is None else SearchRecord(search),
    )
