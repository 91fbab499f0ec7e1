"""From what a user asks for to a run that is carried out and recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.dataset import Dataset
from data.errors import DataError
from data.source_files import is_source
from experiments import records
from experiments.machine import DeviceChoice, choose_device, set_up, versions
from experiments.plan import Plan
from experiments.records import RunDirectory
from experiments.runner import Observer, Runner
from experiments.study import Study


def launch(
    study: Study,
    dataset: Dataset,
    plan: Plan,
    runs: Path,
    device: DeviceChoice,
    observer: Observer,
    threads: int = 1,
) -> RunDirectory:
    """Carry a plan out in this process.

    Args:
        study: that the plan was made of.
        dataset: to train and test on.
        plan: what to train.
        runs: the folder of all runs.
        device: that trains.
        observer: is told how far it is.
        threads: of torch on the CPU.

    Raises:
        DataError: the dataset lacks what the study reads, or a record cannot be
            written.
        RunError: there is no such device.
    """
    dataset.features(study.features, "train")  # refuse before anything is written
    chosen = choose_device(device)
    facts = run_facts(study, dataset, plan, set_up(chosen, threads))
    run = records.create(runs, study.name)
    try:
        run.write_run(facts)
    except DataError:
        run.path.rmdir()
        raise
    Runner(plan, dataset, run, chosen, observer).execute()
    return run


def run_facts(study: Study, dataset: Dataset, plan: Plan, device: dict[str, Any]) -> dict[str, Any]:
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
        "device": device,
    }
