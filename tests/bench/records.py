"""What recording costs a training run, and how soon `watch` answers."""

from __future__ import annotations

import math
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from data.datasets.dataset import Dataset
from data.storage import hdf5
from experiments.design.plan import Plan, StudyOptions, make_plan
from experiments.design.request import CHECKPOINT_SECONDS, Computing, Request
from experiments.design.trial import Trial
from experiments.execution.coordinator import dataset_record, make_manifest
from experiments.execution.event_writer import EventWriter
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.events import CheckpointWritten, CohortBegan, EpochEnded, TrialEnded
from experiments.runs.process_id import ProcessId
from experiments.runs.trial_result import Scores, TestScores, TrialCohort, TrialResult
from experiments.studies import STUDIES
from experiments.training import cohort_training
from experiments.training.cohorts import Cohort
from experiments.training.device import Machine
from experiments.training.planning import PlannedRun
from experiments.training.recorder import Recorder
from experiments.training.training_job import RunSettings, TrainingJob
from experiments.workers.worker_main import sending_to
from networks.engine.fallback import train_trials
from tests.bench.measure import Benchmark, Row, machine_facts

T = TypeVar("T")
_TRIALS, _EPOCHS = 64, 30  # of the run that is recorded
_WATCHED_TRIALS, _WATCHED_EPOCHS = 200, 30
_CHECKPOINT_SECONDS = 3.0  # a run of some seconds has a few


def bench_records(dataset: Dataset, repeats: int) -> Benchmark:
    """Measure both.

    Args:
        dataset: with MFCC statistics, to train on.
        repeats: of each measurement.
    """
    with tempfile.TemporaryDirectory() as folder:
        shares = [_recorded(dataset, Path(folder) / f"run-{i}") for i in range(repeats)]
        answers = _answers(dataset, Path(folder) / "watched", repeats)
    about = f"{_TRIALS} FFNs, SGD, {_EPOCHS} epochs of {len(dataset.train)} rows"
    parts = {
        "training": (f"{about}: training alone", "s"),
        "recording": ("recording: messages, checkpoints, results", "% of training"),
        "telling": ("beside it, in the run's owner: events", "% of training"),
        "keeping": ("beside it: models, test rows and their predictions", "% of training"),
    }
    rows = [
        Row(name, what, unit, tuple(found[name] for found in shares))
        for name, (what, unit) in parts.items()
    ]
    watched = f"{_WATCHED_TRIALS} trials of {_WATCHED_EPOCHS} epochs"
    rows += [
        Row("watch", f"watch --once --json of {watched}", "s", answers[0]),
        Row("start-up", "Python that does nothing", "s", answers[1]),
        Row(
            "watch-beyond",
            "watch beyond Python's start-up",
            "s",
            tuple(a - b for a, b in zip(*answers, strict=True)),
        ),
    ]
    ratios = {
        "recording / training": statistics.median(found["recording"] for found in shares) / 100,
    }
    return Benchmark(machine_facts("cpu", 1, dataset=dataset.name), tuple(rows), ratios)


class _Stopwatch:
    """Adds up the time that is spent in some functions."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock, self.seconds, self._runs = clock, 0.0, False

    def timing(self, function: Callable[..., T]) -> Callable[..., T]:
        def timed(*arguments: Any, **named: Any) -> T:
            if self._runs:  # one calls the other
                return function(*arguments, **named)
            self._runs, began = True, self._clock()
            try:
                return function(*arguments, **named)
            finally:
                self._runs = False
                self.seconds += self._clock() - began

        return timed


def _recorded(dataset: Dataset, folder: Path) -> dict[str, float]:
    """Train a run as a worker does, and time what is not training.

    Messages are told to an event log in this process, which in runs the owner does on
    another core: that is counted apart. Checkpoints are written often, and count as
    if they were as rare as in runs.
    """
    run, plan = _new_run(dataset, folder, _TRIALS)
    cohort = Cohort(plan.trials)
    settings = RunSettings("cpu", 1, "float32", True, _CHECKPOINT_SECONDS)
    log = EventWriter(run, EventLog(run), plan.trials)
    log.begin(ProcessId.me(), False)
    log.plan([cohort], 1)
    everything, keeping, telling = _Stopwatch(), _Stopwatch(), _Stopwatch()
    checkpoints: list[float] = []  # what each took

    def record(pickled: bytes) -> None:
        events = pickle.loads(pickled)
        checkpoints.extend(one.seconds for one in events if isinstance(one, CheckpointWritten))
        log.record(*events)

    recorded = telling.timing(record)
    beside = _Stopwatch(time.thread_time)  # of the thread that commits: what it computes

    def train(trials: Any, *rest: Any, **named: Any) -> Any:
        for hook in ("on_epoch", "on_end", "after_epoch"):
            named[hook] = everything.timing(named[hook])
        return train_trials(trials, *rest, **named)

    keep, commit, finish = Recorder._keep, Recorder._commit, Recorder.finish
    Recorder._keep = keeping.timing(keep)  # type: ignore[method-assign]
    Recorder._commit = beside.timing(commit)  # type: ignore[method-assign]
    Recorder.finish = everything.timing(finish)  # type: ignore[method-assign]
    cohort_training.train_trials = train  # type: ignore[attr-defined]
    path = folder / "dataset.h5"
    hdf5.save(dataset, path)
    began = time.perf_counter()
    try:
        with sending_to(lambda *events: recorded(pickle.dumps(events))):
            cohort_training.train(TrainingJob(run, path, dataset.content_sha256, settings), cohort)
    finally:
        cohort_training.train_trials = train_trials  # type: ignore[attr-defined]
        Recorder._keep = keep  # type: ignore[method-assign]
        Recorder._commit = commit  # type: ignore[method-assign]
        Recorder.finish = finish  # type: ignore[method-assign]
    training = time.perf_counter() - began - everything.seconds
    recording = everything.seconds - keeping.seconds - telling.seconds + beside.seconds
    # As often as in runs: a run of seconds writes none.
    often = training / CHECKPOINT_SECONDS
    recording += statistics.fmean(checkpoints) * often - math.fsum(checkpoints)
    parts = {"recording": recording, "telling": telling.seconds, "keeping": keeping.seconds}
    return {"training": training} | {n: 100 * part / training for n, part in parts.items()}


def _answers(
    dataset: Dataset, folder: Path, repeats: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Seconds that `watch --once --json` takes, and those of Python alone, in turn."""
    _write_watched(dataset, folder)
    (path,) = folder.glob("*/*")
    watch = ["-m", "experiments", "watch", str(path), "--once", "--json"]
    timed: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats + 1):
        for arguments, found in zip((watch, ["-c", "pass"]), timed, strict=True):
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
            if number:  # the first warms the disk's caches
                found.append(time.perf_counter() - began)
    return tuple(timed[0]), tuple(timed[1])


def _write_watched(dataset: Dataset, folder: Path) -> None:
    """A run in its last epoch: all its events, and results of all but the last trials."""
    run, plan = _new_run(dataset, folder, _WATCHED_TRIALS)
    log = EventWriter(run, EventLog(run), plan.trials)
    log.begin(ProcessId.me(), False)
    cohorts = [Cohort(plan.trials[i : i + 50]) for i in range(0, len(plan.trials), 50)]
    log.plan(cohorts, 2)
    size = len(dataset.genres)
    confusion = [[17] * size] * size
    names = ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate")
    logs = dict.fromkeys((*names, "val_batch_mean_f1"), 0.123456789)
    history = {name: [0.123456789] * _WATCHED_EPOCHS for name in logs}
    for cohort in cohorts:
        trials = tuple(trial.id for _, trial in cohort.trials)
        log.record(CohortBegan(cohort.id, trials, 0, os.getpid()))
        for epoch in range(1, _WATCHED_EPOCHS + 1):
            shared = (cohort.id, epoch, 0.5, 1e5, 10**9, logs, confusion)
            log.record(*(EpochEnded(trial, *shared) for trial in trials))
        for variant, trial in cohort.trials[: len(trials) - (cohort is cohorts[-1])]:
            result = _result(variant, trial, cohort, history, confusion)
            run.write_result(result)
            log.record(TrialEnded.from_result(result, trial.training.learning_rate))


def _result(
    variant: str,
    trial: Trial,
    cohort: Cohort,
    history: dict[str, list[float]],
    confusion: list[list[int]],
) -> TrialResult:
    return TrialResult(
        trial.id,
        variant,
        trial.seed,
        "finished",
        TrialCohort(cohort.id, len(cohort.trials)),
        epochs=_WATCHED_EPOCHS,
        best_epoch=7,
        kept_epoch=30,
        validation=Scores(0.5, 0.5),
        history=history,
        epoch_seconds=(0.5,) * _WATCHED_EPOCHS,
        seconds=15.0,
        test=TestScores(0.5, 0.5, 0.5, confusion),
    )


def _new_run(dataset: Dataset, folder: Path, trials: int) -> tuple[RunDirectory, Plan]:
    """A run of one variant of the baseline with so many seeds, in its study's folder."""
    study = STUDIES["ffn-baseline"]
    study = replace(study, variants=study.variants[:1])
    plan = make_plan(study, StudyOptions(seeds=trials, epochs=_EPOCHS), dataset.content_sha256)
    run = RunDirectory(folder / study.name / "20260101T000000Z-bench0")
    computing = Computing(checkpoint_seconds=_CHECKPOINT_SECONDS)
    request, machine = Request(study, Path(), computing=computing), Machine("cpu", ("cpu",))
    planned = PlannedRun(plan, (Cohort(plan.trials),), 1)
    run.write_run(make_manifest(request, dataset_record(dataset), machine, planned))
    return run, plan
