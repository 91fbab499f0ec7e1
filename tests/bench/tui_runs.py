"""Runs for the benchmark: written with the records' own writers, nothing is trained."""

from __future__ import annotations

import math
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from data.datasets.dataset import Dataset, Split
from experiments.design.plan import Plan, StudyOptions, make_plan
from experiments.design.request import Request
from experiments.design.trial import Trial
from experiments.execution.coordinator import dataset_record, make_manifest
from experiments.execution.event_writer import EventWriter
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.event_reader import event_files
from experiments.runs.events import CohortBegan, EpochEnded, RunEnded, TrialEnded
from experiments.runs.lock import hold_run_lock
from experiments.runs.process_id import ProcessId
from experiments.runs.trial_result import Scores, TestScores, TrialCohort, TrialResult
from experiments.studies import STUDIES
from experiments.training.cohorts import Cohort
from experiments.training.device import Machine
from experiments.training.planning import PlannedRun

GENRES = ("blues", "classical", "hiphop", "rock")
LARGE = "20260101T000000Z-large0"
LIVE = "20260102T000000Z-live00"
LONG = "20260103T000000Z-long00"
_ROWS = 800  # of the validation split
_SECONDS = 0.5  # an epoch


def write_many(runs: Path, count: int) -> None:
    """So many finished runs, of all studies in turn: one is written, the others are copies."""
    first: dict[str, RunDirectory] = {}
    for number in range(count):
        study = list(STUDIES)[number % len(STUDIES)]
        name = f"2025{1 + number // 84:02d}{1 + number // 3 % 28:02d}T120000Z-{number:06x}"
        if study in first:
            shutil.copytree(first[study].path, runs / study / name)
        else:
            first[study] = write_finished(runs, study, name, seeds=1, epochs=10)


def write_finished(runs: Path, study: str, name: str, *, seeds: int, epochs: int) -> RunDirectory:
    """A run whose trials have all ended."""
    run, plan = _begin(runs, study, name, seeds, epochs)
    with hold_run_lock(run, print):
        log = _log(run, plan)
        for cohort in _cohorts(plan):
            for epoch in range(1, epochs + 1):
                log.record(*_epochs_ended(cohort, epoch))
            for variant, trial in cohort.trials:
                result = _result(variant, trial, cohort)
                run.write_result(result)
                log.record(TrialEnded.from_result(result, trial.training.learning_rate))
        run.write_baselines([], {})
        log.record(RunEnded("finished"))
    return run


@contextmanager
def live(runs: Path, trials: int, seconds: float) -> Iterator[RunDirectory]:
    """A run that goes on meanwhile: so many trials in lockstep, an epoch every few seconds."""
    run, plan = _begin(runs, "ffn-baseline", LIVE, trials, 100_000, variants=1)
    ended = threading.Event()

    def carry_out(log: EventWriter) -> None:
        (cohort,) = _cohorts(plan)
        epoch = 0
        while not ended.wait(seconds):
            epoch += 1
            log.record(*_epochs_ended(cohort, epoch))

    with hold_run_lock(run, print):
        writer = threading.Thread(target=carry_out, args=(_log(run, plan),))
        writer.start()
        try:
            yield run
        finally:
            ended.set()
            writer.join()


def write_long(runs: Path, trials: int, size: int) -> RunDirectory:
    """A run that was killed after its events had a number of bytes."""
    run, plan = _begin(runs, "ffn-baseline", LONG, trials, 100_000, variants=1)
    with hold_run_lock(run, print):
        events = EventLog(run)
        log, epoch = _log(run, plan, events), 0
        (cohort,), (path,) = _cohorts(plan), event_files(run)
        while path.stat().st_size < size:
            epoch += 1
            log.record(*_epochs_ended(cohort, epoch))
        events.close()
    return run


def _begin(
    runs: Path, study: str, name: str, seeds: int, epochs: int, variants: int | None = None
) -> tuple[RunDirectory, Plan]:
    chosen = STUDIES[study]
    chosen = replace(chosen, variants=chosen.variants[:variants])
    dataset = _dataset()
    plan = make_plan(chosen, StudyOptions("documented", seeds, epochs), dataset.content_sha256)
    run = RunDirectory(runs / study / name)
    request, machine = Request(chosen, Path()), Machine("cpu", ("cpu",))
    planned = PlannedRun(plan, tuple(_cohorts(plan)), 1)
    run.write_run(make_manifest(request, dataset_record(dataset), machine, planned))
    return run, plan


def _log(run: RunDirectory, plan: Plan, events: EventLog | None = None) -> EventWriter:
    log = EventWriter(run, events or EventLog(run), plan.trials)
    log.begin(ProcessId.me(), False)
    log.plan(_cohorts(plan), 1)
    for cohort in _cohorts(plan):
        names = tuple(trial.id for _, trial in cohort.trials)
        log.record(CohortBegan(cohort.id, names, 0, os.getpid()))
    return log


def _cohorts(plan: Plan) -> list[Cohort]:
    """Trials of a variant together."""
    of_variant: dict[str, list[tuple[str, Trial]]] = {}
    for variant, trial in plan.trials:
        of_variant.setdefault(variant, []).append((variant, trial))
    return [Cohort(tuple(trials)) for trials in of_variant.values()]


def _dataset() -> Dataset:
    """Rows that nobody trains on; a run's records need its name and genres."""
    label = np.arange(8) % len(GENRES)
    train, validation, test = (
        Split(np.zeros((8, 26)), None, label, np.full(8, track), np.arange(8.0))
        for track in range(3)
    )
    kind = {"kind": "bench"}
    return Dataset("bench", GENRES, train, validation, test, ("a", "b", "c"), kind)


def _epochs_ended(cohort: Cohort, epoch: int) -> list[EpochEnded]:
    shared = (cohort.id, epoch, _SECONDS, 1e5, 10**9)
    return [EpochEnded(trial.id, *shared, *_figures(trial, epoch)) for _, trial in cohort.trials]


def _figures(trial: Trial, epoch: int) -> tuple[dict[str, float], list[list[int]]]:
    """A curve that rises, with a noise of the trial's own, and a matrix to go with it."""
    noise = 0.03 * math.sin(epoch * (1 + trial.seed % 7) + trial.seed)
    score = min(0.99, 0.25 + 0.5 * (1 - math.exp(-epoch / 15)) + noise)
    size, each = len(GENRES), _ROWS // len(GENRES)
    right = round(each * score)
    wrong = (each - right) // (size - 1)
    confusion = [[wrong] * size for _ in range(size)]
    for place, row in enumerate(confusion):
        row[place] = each - wrong * (size - 1)
    loss = 1.4 * (1.05 - score)
    logs = {"loss": loss, "accuracy": score + 0.02, "val_loss": loss + 0.1}
    logs |= {"val_accuracy": score, "val_macro_f1": score - 0.01, "val_batch_mean_f1": score}
    return logs | {"learning_rate": trial.training.learning_rate}, confusion


def _result(variant: str, trial: Trial, cohort: Cohort) -> TrialResult:
    epochs = trial.training.epochs
    reported = [_figures(trial, epoch) for epoch in range(1, epochs + 1)]
    logs, confusion = reported[-1]
    accuracy, macro_f1 = logs["val_accuracy"], logs["val_macro_f1"]
    return TrialResult(
        trial.id,
        variant,
        trial.seed,
        "finished",
        TrialCohort(cohort.id, len(cohort.trials)),
        epochs=epochs,
        best_epoch=epochs,
        kept_epoch=epochs,
        validation=Scores(accuracy, macro_f1),
        history={name: [figures[name] for figures, _ in reported] for name in logs},
        epoch_seconds=(_SECONDS,) * epochs,
        seconds=_SECONDS * epochs,
        test=TestScores(accuracy, macro_f1, macro_f1, confusion),
    )
