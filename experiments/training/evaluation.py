"""Evaluates trials on the test rows."""

from __future__ import annotations

from dataclasses import replace
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
from experiments.training.job import TrainingJob, open_job
from experiments.workers.worker_main import send
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
    dataset, run = open_job(job), job.run
    result = run.read_result(trial.id)
    if result is None or not result.needs_test:
        return True
    path = run.trial_path(trial.id) / "model.keras"
    try:
        model = load_model(path, trial.network, len(dataset.genres))
        probability = predict(dataset, trial, model)
    except ConfigError as error:
        run.discard_result(trial.id)
        raise RunError(
            f"{error} python -m experiments resume {run.path.name} trains it again."
        ) from error
    evaluated: list[TrialResult] = []

    def write() -> None:
        test = record_test(run, dataset, trial, probability)
        evaluated.append(replace(result, test=test))
        run.write_result(evaluated[-1])

    try:
        retry_when_disk_full(write, run, send)
    except StopAskedError:
        return False
    send(TrialEnded.from_result(evaluated[-1], trial.training.learning_rate))
    return True


def predict(dataset: Dataset, trial: Trial, model: Any) -> npt.NDArray[np.float64]:
    """Probabilities of the test rows. [shape=(n, genres)]"""
    return probabilities_of(model, rows_of(dataset, trial, "test").features)


def rows_of(dataset: Dataset, trial: Trial, split: SplitName) -> LabelledRows:
    """The features of a split that a trial's network reads, and their labels."""
    features = dataset.features(trial.network.features, split)
    return LabelledRows(features, getattr(dataset, split).label)


def record_test(
    run: RunDirectory, dataset: Dataset, trial: Trial, probability: npt.NDArray[np.float64]
) -> TestScores:
    """Write a trial's predictions; its figures on the test rows."""
    rows, genres = dataset.test, dataset.genres
    predicted = probability.argmax(axis=1)
    arrays = {"probability": probability, "predicted": predicted, "label": rows.label}
    arrays |= {"track": rows.track} | ({} if rows.start is None else {"start": rows.start})
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
