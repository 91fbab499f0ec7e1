"""A run whose test segments are known one by one, for tests of lists and pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from data.audio.parameters import DOCUMENTED
from data.datasets.dataset import Dataset, Split
from data.storage import catalogue
from experiments.runs.directory import RunDirectory
from genre_tui.confusion.matrix_selection import first_tested, seed_siblings
from genre_tui.model.run_model import RunModel
from networks.training import metrics
from tests.conftest import small_split
from tests.support.recorded_runs import record

GENRES = ("blues", "jazz", "rock")
LABEL = np.repeat([0, 1, 2], 4)
TRACK = np.array([2, 2, 2, 2, 3, 3, 3, 3, -1, -1, -1, -1])
START = np.array([3.0, 0.0, 1.0, 2.0, *range(4), *range(4)])
# What two seeds say: row 0 is taken for jazz by one, rows 1 and 2 by both.
PREDICTED = ([1, 1, 1, 0, 1, 1, 1, 1, 2, 2, 2, 2], [0, 1, 1, 0, 1, 1, 1, 1, 2, 2, 2, 2])
CONFIDENCE = ([0.9, 0.6, 0.8, *[0.7] * 9], [0.7, 0.5, 0.9, *[0.7] * 9])


def known_dataset(*, mel: bool = True, name: str = "tiny") -> Dataset:
    """Twelve test rows of two tracks, and four of unknown ones."""
    test = small_split(12, 3, 0, 3, mel=mel)
    if test.mel is not None:
        test.mel[:] = -80.0
        test.mel[:, 10, :4] = 0.0  # half a second in, the lowest bands
    return Dataset(
        name=name,
        genres=GENRES,
        train=small_split(48, 3, 0, 1, mel=mel),
        validation=small_split(24, 3, 1, 2, mel=mel),
        test=Split(test.mfcc, test.mel, LABEL, TRACK, START),
        track_names=("first", "second", "blue [b]\x1b[31mnote", "jazz/take 5"),
        provenance={"kind": "test"},
        parameters=DOCUMENTED,
    )


def known_run(runs: Path, *, mel: bool = True, there: bool = True) -> RunDirectory:
    """A run on that dataset, which is among the user's unless `there` is false."""
    dataset = known_dataset(mel=mel)
    if there:
        catalogue.add(dataset, replace=True)
    run = record(
        runs,
        seeds=2,
        rows=12,
        genres=GENRES,
        sha256=dataset.content_sha256,
        skill=lambda variant, trial: 0.9 if variant == "last-epoch" else 0.5,
    )
    trials = trials_of(run)
    for trial, predicted, sure in zip(trials, PREDICTED, CONFIDENCE, strict=True):
        record_predictions(run, trial, np.array(predicted), np.array(sure))
    return run


def trials_of(run: RunDirectory) -> tuple[str, ...]:
    """The trials of the first variant that were tested."""
    model = RunModel(run)
    found = first_tested(run, model.trials, 3)
    assert found is not None
    return seed_siblings(model, found[0])


def record_predictions(
    run: RunDirectory, trial: str, predicted: np.ndarray, sure: np.ndarray
) -> None:
    """Record other predictions of a trial."""
    probability = np.repeat((1 - sure[:, None]) / 2, 3, axis=1)
    probability[np.arange(12), predicted] = sure
    arrays = {"probability": probability, "predicted": predicted, "label": LABEL, "track": TRACK}
    run.write_predictions(trial, arrays | {"start": START})
    confusion = metrics.confusion_matrix(LABEL, predicted, 3)
    result = run.read_result(trial)
    assert result is not None
    assert result.test is not None
    figures = {"accuracy": metrics.accuracy(confusion), "confusion_matrix": confusion.tolist()}
    run.write_result(replace(result, test=replace(result.test, **figures)))
