"""Runs with all their records, made without training anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from experiments.design.plan import Plan, StudyOptions, make_plan
from experiments.design.study import Study, Variant
from experiments.design.trial import Trial
from experiments.runs.baseline_results import BaselineFit, BaselineResult
from experiments.runs.directory import RunDirectory
from experiments.runs.manifest import (
    CohortRecord,
    DatasetRecord,
    DeviceRecord,
    RunManifest,
    VariantRecord,
)
from experiments.runs.trial_result import Scores, TestScores, TrialCohort, TrialResult, select
from experiments.studies import STUDIES
from networks.training import metrics

GENRES = ("blues", "jazz", "rock")
Skill = Callable[[str, Trial], float]
Status = Callable[[str, Trial], str]


def _not(path: Path) -> None:
    """Nothing here has to outlive a power cut."""


@mock.patch("data.files.atomic.sync", new=_not)
def record(
    runs: Path,
    study: Study = STUDIES["ffn-baseline"],
    protocol: Any = "controlled",
    *,
    seeds: int = 3,
    epochs: int = 4,
    genres: Sequence[str] = GENRES,
    rows: int = 60,
    dataset: str = "tiny",
    kind: str = "test",
    sha256: str = "0" * 64,
    documented: bool = False,
    skill: Skill = lambda variant, trial: 0.6,
    status: Status = lambda variant, trial: "finished",
    baselines: Sequence[str] = ("majority", "rbf-svm"),
    name: str = "20260102T030405Z-abc123",
) -> RunDirectory:
    """A finished run whose predictions are right with a chance of `skill`, trial by trial."""
    plan = make_plan(study, StudyOptions(protocol, seeds, epochs), sha256)
    run = RunDirectory(runs / study.name / name)
    of_study = {variant.name: variant for variant in study.variants}
    variants = tuple(
        VariantRecord(
            planned.name,
            planned.candidates,
            of_study[planned.name].published if documented else (),
            of_study[planned.name].note if protocol == "documented" else "",
        )
        for planned in plan.variants
    )
    run.write_run(
        RunManifest(
            study=study.name,
            question=study.question,
            about=study.about,
            protocol=protocol,
            created="2026-01-02T03:04:05+00:00",
            dataset=DatasetRecord(
                dataset,
                sha256,
                tuple(genres),
                kind,
                documented,
                {"train": 120, "validation": 60, "test": rows},
            ),
            seeds=plan.seeds,
            epochs=epochs,
            left_out=plan.left_out,
            baselines=bool(baselines),
            variants=variants,
            trials={trial.id: trial for _, trial in plan.trials},
            cohorts=(CohortRecord("c0", tuple(trial.id for _, trial in plan.trials)),),
            device=DeviceRecord("cpu", "a processor", 1, "float32", 1),
            checkpoint_seconds=30.0,
            versions={"python": "3.11.7", "torch": "2.13.0", "keras": "3.15.1"},
        )
    )
    label = np.sort(np.arange(rows) % len(genres))
    results = {}
    for variant, trial in _trials(plan):
        rng = np.random.default_rng(int(trial.id, 16))
        results[trial.id] = _result(
            variant, trial, skill(variant, trial), status(variant, trial), len(genres), rng
        )
    for planned in plan.variants:
        trials = [candidate.trials for candidate in planned.candidates]
        chosen = select(results, [candidate.ids for candidate in planned.candidates])
        for trial in trials[chosen]:
            if results[trial.id].is_finished:
                test = _test(run, trial, skill(planned.name, trial), label, len(genres))
                results[trial.id] = replace(results[trial.id], test=test)
    for result in results.values():
        run.write_result(result)
    if baselines:
        _record_baselines(run, baselines, label, len(genres))
    return run


def _trials(plan: Plan) -> list[tuple[str, Trial]]:
    return [
        (planned.name, trial)
        for planned in plan.variants
        for candidate in planned.candidates
        for trial in candidate.trials
    ]


def _result(
    variant: str, trial: Trial, skill: float, status: Any, classes: int, rng: np.random.Generator
) -> TrialResult:
    result = TrialResult(trial.id, variant, trial.seed, status, TrialCohort("c0", 1))
    if status == "failed":
        return replace(result, reason="no memory left")
    epochs = trial.training.epochs
    way = 1 - np.exp(-3 * np.arange(1, epochs + 1) / epochs) + 0.02 * rng.standard_normal(epochs)
    score = np.clip(1 / classes + (skill - 1 / classes) * way, 0, 1)
    loss = np.log(classes) * (1.2 - way)
    arrays = {
        "loss": loss,
        "val_loss": loss + 0.3 * np.abs(rng.standard_normal(epochs)),
        "accuracy": np.clip(score + 0.05, 0, 1),
        "val_accuracy": score,
        "val_macro_f1": np.clip(score - 0.01, 0, 1),
        "learning_rate": np.full(epochs, trial.training.learning_rate),
    }
    history: dict[str, list[float | None]] = {
        name: [float(value) for value in values] for name, values in arrays.items()
    }
    if status == "diverged":
        history["loss"][-1] = history["val_loss"][-1] = None
    return replace(
        result,
        epochs=epochs,
        best_epoch=epochs,
        kept_epoch=epochs,
        validation=Scores(float(score[-1]), float(arrays["val_macro_f1"][-1])),
        history=history,
        epoch_seconds=(0.5,) * epochs,
        seconds=0.5 * epochs,
    )


def _test(
    run: RunDirectory, trial: Trial, skill: float, label: np.ndarray, classes: int
) -> TestScores:
    """A tested trial's predictions are written; its figures."""
    rng = np.random.default_rng((1, int(trial.id, 16)))
    right = rng.random(len(label)) < skill
    predicted = np.where(right, label, rng.integers(0, classes, len(label)))
    confusion = metrics.confusion_matrix(label, predicted, classes)
    run.write_predictions(
        trial.id,
        {
            "probability": np.eye(classes)[predicted],
            "predicted": predicted,
            "label": label,
            "track": np.arange(len(label)) // 5,
        },
    )
    return TestScores(
        metrics.accuracy(confusion),
        metrics.macro_f1(confusion),
        metrics.batch_mean_f1(label, predicted),
        confusion.tolist(),
    )


def _record_baselines(
    run: RunDirectory, names: Sequence[str], label: np.ndarray, classes: int
) -> None:
    results, arrays = [], {"label": label, "track": np.arange(len(label)) // 5}
    for number, name in enumerate(names):
        rng = np.random.default_rng(number)
        right = rng.random(len(label)) < 0.35 + 0.3 * number
        predicted = np.where(right, label, rng.integers(0, classes, len(label)))
        confusion = metrics.confusion_matrix(label, predicted, classes)
        accuracy, macro_f1 = metrics.accuracy(confusion), metrics.macro_f1(confusion)
        arrays[f"predicted/{name}"] = predicted[None]
        test = TestScores(accuracy, macro_f1, 0.5, confusion.tolist())
        fit = BaselineFit(0.1, Scores(accuracy, macro_f1), test)
        results.append(BaselineResult(name, f"what {name} is", None, (fit,)))
    run.write_baselines(results, arrays)


def _named(variant: Variant, name: str) -> Variant:
    """A variant under any name, also one that no study of ours may have."""
    named = copy(variant)
    object.__setattr__(named, "name", name)
    return named


def with_names(study: Study, names: Sequence[str]) -> Study:
    """A study whose variants have other names, as many as there are names."""
    variants = [study.variants[place % len(study.variants)] for place in range(len(names))]
    return replace(
        study,
        variants=tuple(
            _named(variant, name) for variant, name in zip(variants, names, strict=True)
        ),
    )
