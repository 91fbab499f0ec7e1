"""From what a user asks for to a run that is carried out and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.dataset import Dataset
from data.errors import DataError
from data.source_files import is_source
from experiments import records
from experiments.cohorts import plan_cohorts
from experiments.engine import Settings
from experiments.machine import (
    DeviceChoice,
    check_precision,
    choose_device,
    free_memory,
    set_up,
    versions,
)
from experiments.plan import Plan
from experiments.records import RunDirectory
from experiments.runner import Observer, Runner
from experiments.study import Study
from experiments.workers import default_workers
from networks.lockstep import Precision


@dataclass(frozen=True)
class Computing:
    """What a user asks to compute with.

    Args:
        device: that trains.
        threads: of torch on the CPU, in each process.
        workers: processes on the CPU; None leaves it to `default_workers`.
        precision: of products.
    """

    device: DeviceChoice = "auto"
    threads: int = 1
    workers: int | None = None
    precision: Precision = "float32"


def launch(
    study: Study,
    dataset: Dataset,
    plan: Plan,
    runs: Path,
    observer: Observer,
    computing: Computing = Computing(),
    dataset_path: Path | None = None,
) -> RunDirectory:
    """Carry a plan out.

    Args:
        study: that the plan was made of.
        dataset: to train and test on.
        plan: what to train.
        runs: the folder of all runs.
        observer: is told how far it is.
        computing: with what.
        dataset_path: the dataset's file; without one, one process trains.

    Raises:
        DataError: the dataset lacks what the study reads, or a record cannot be
            written.
        RunError: there is no such device, or it has no such precision.
    """
    dataset.features(study.features, "train")  # refuse before anything is written
    chosen = choose_device(computing.device)
    check_precision(chosen, computing.precision)
    about_device = set_up(chosen, computing.threads)
    cohorts = plan_cohorts(plan.trials, chosen, len(dataset.genres), free_memory(chosen))
    workers = 1
    if dataset_path is not None and chosen == "cpu":
        workers = computing.workers or default_workers(
            cohorts, computing.threads, len(dataset.train), len(dataset.genres)
        )
        workers = min(workers, len(cohorts))
    facts = run_facts(study, dataset, plan)
    facts["cohorts"] = [
        {"id": cohort.id, "trials": [trial.id for _, trial in cohort.trials]} for cohort in cohorts
    ]
    facts["device"] = about_device | {"precision": computing.precision, "workers": workers}
    run = records.create(runs, study.name)
    try:
        run.write_run(facts)
    except DataError:
        run.path.rmdir()
        raise
    settings = Settings(
        chosen, computing.threads, computing.precision, tested=plan.protocol == "documented"
    )
    Runner(plan, cohorts, dataset, dataset_path, run, settings, workers, observer).execute()
    return run


def run_facts(study: Study, dataset: Dataset, plan: Plan) -> dict[str, Any]:
    """What run.json says: all that a reader needs to understand the records."""
    documented = is_source(dataset)
    return {
        "study": study.name,
        "question": study.question,
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
                "documented": [figure.to_dict() for figure in variant.documented]
                if documented
                else [],
                "note": variant.note if plan.protocol == "documented" else "",
            }
            for planned, variant in zip(plan.variants, study.variants, strict=True)
        ],
        "trials": {trial.id: trial.to_dict() for _, trial in plan.trials},
        "versions": versions(),
    }
