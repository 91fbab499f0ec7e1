"""Evaluates trials on the test rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from data.datasets.dataset import Dataset, SplitName
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.events import TrialEnded
from experiments.runs.trial_result import ClassScores, TestScores, TrialResult
from experiments.training.training_job import TrainingJob, open_job, places_of
from experiments.workers.worker_main import send
from networks.engine.trial_state import FailedTrial
from networks.errors import ConfigError
from networks.inference import load_model, probabilities_of
from networks.training import metrics
from networks.training.results import LabelledRows


def evaluate(job: TrainingJob, trial: Trial) -> bool:
    """Evaluate the network that a trial has saved on the test rows, and record its figures.

    Returns:
        False where the disk was full and a stop was requested.

    Raises:
        DataError: the dataset cannot be read, or a record not written.
        RunError: the dataset has changed; or the network is damaged, and the trial counts as
            not done from now on.
    """
    dataset, run = open_job(job, trial.fold), job.run
    result = run.read_result(trial.id)
    if result is None or not result.needs_test:
        return True
    path = run.trial_path(trial.id) / "model.keras"
    try:
        shape = dataset.shapes[trial.network.features]
        model = load_model(path, trial.network, len(dataset.genres), input_shape=shape)
    except ConfigError as error:
        run.discard_result(trial.id)
        raise RunError(
            f"{error} python -m experiments resume {run.path.name} trains it again."
        ) from error

    def write(step: Callable[[], None]) -> None:
        retry_when_disk_full(step, run, send)

    try:
        result = with_test(result, run, dataset, trial, model, write)
        write(partial(run.write_result, result))
    except StopAskedError:
        return False
    send(TrialEnded.from_result(result, trial.training.learning_rate))
    return True


def with_test(
    result: TrialResult,
    run: RunDirectory,
    dataset: Dataset,
    trial: Trial,
    model: Any,
    write: Callable[[Callable[[], None]], None],
) -> TrialResult:
    """A trial's result with its figures on the test rows; failed where there can be none.

    Args:
        result: of the training.
        run: to which the predictions are written.
        dataset: with the test rows.
        trial: that was trained.
        model: its network.
        write: calls a function that writes, and again while the disk is full.
    """
    try:
        probability = probabilities_of(model, rows_of(dataset, trial, "test").features)
    except Exception as error:  # as in training, it ends this trial and no other
        failed = FailedTrial.of(error)
        return replace(result, status="failed", reason=failed.reason, traceback=failed.traceback)
    test: list[TestScores] = []
    write(lambda: test.append(_record_test(run, dataset, trial, probability)))
    return replace(result, test=test[-1])


def rows_of(dataset: Dataset, trial: Trial, split: SplitName) -> LabelledRows:
    """The features of a split that a trial's network reads, and their labels."""
    features = dataset.features(trial.network.features, split)
    return LabelledRows(features, getattr(dataset, split).label)


def _record_test(
    run: RunDirectory, dataset: Dataset, trial: Trial, probability: npt.NDArray[np.float64]
) -> TestScores:
    """Write a trial's predictions; its figures on the test rows."""
    rows, genres = dataset.test, dataset.genres
    predicted = probability.argmax(axis=1)
    arrays = {"probability": probability, "predicted": predicted, "label": rows.label}
    arrays |= places_of(rows)
    run.write_predictions(trial.id, arrays)
    confusion = metrics.confusion_matrix(rows.label, predicted, len(genres))
    scores = metrics.class_scores(confusion)
    each = zip(scores.precision, scores.recall, scores.f1, scores.support, strict=True)
    return TestScores(
        metrics.accuracy(confusion),
        metrics.macro_f1(confusion),
        # The source averaged over batches of the size that it trained with.
        metrics.batch_mean_f1(rows.label, predicted, trial.training.batch_size),
        confusion.tolist(),
        {
            genre: ClassScores(float(precision), float(recall), float(f1), int(count))
            for genre, (precision, recall, f1, count) in zip(genres, each, strict=True)
        },
    )
