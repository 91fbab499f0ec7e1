"""A trial's figures on the test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from data.datasets.dataset import Dataset, SplitName
from experiments.design.trial import Trial
from experiments.runs.directory import RunDirectory
from experiments.runs.trial_result import ClassScores, TestScores
from networks.inference import load_model, probabilities_of
from networks.training import metrics
from networks.training.results import LabelledRows


def predict(dataset: Dataset, trial: Trial, model: Any) -> npt.NDArray[np.float64]:
    """Probabilities of the test rows. [shape=(n, genres)]"""
    return probabilities_of(model, rows_of(dataset, trial, "test").features)


def rows_of(dataset: Dataset, trial: Trial, split: SplitName) -> LabelledRows:
    """What a trial's network reads of a split."""
    features = dataset.features(trial.network.features, split)
    return LabelledRows(features, getattr(dataset, split).label)


def predict_with_kept_model(
    run: RunDirectory, dataset: Dataset, trial: Trial
) -> npt.NDArray[np.float64]:
    """As `predict`, by the network that is in the run's directory."""
    path = run.trial_path(trial.id) / "model.keras"
    return predict(dataset, trial, load_model(path, trial.network, len(dataset.genres)))


def record_test(
    run: RunDirectory, dataset: Dataset, trial: Trial, probability: npt.NDArray[np.float64]
) -> TestScores:
    """Write a trial's predictions; its test figures."""
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
