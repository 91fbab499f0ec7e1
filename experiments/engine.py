"""Trains a cohort and records each of its trials; in this process or a worker's."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data import store
from data.dataset import Dataset, SplitName
from experiments.cohorts import Cohort
from experiments.errors import RunError
from experiments.machine import release_memory, set_up
from experiments.records import RunDirectory, plain_floats
from experiments.trial import Trial
from experiments.worker import send
from networks import metrics
from networks.cohort import Failed, Member, Outcome, train_cohort
from networks.inference import probabilities_of
from networks.lockstep import Precision
from networks.training import Rows, Trained


@dataclass(frozen=True)
class Settings:
    """How trials are computed.

    Args:
        device: "cpu" or "cuda".
        threads: of torch on the CPU, in each process.
        precision: of products.
        tested: whether the test rows are looked at as soon as a trial has finished.
    """

    device: str
    threads: int
    precision: Precision
    tested: bool


@dataclass(frozen=True)
class CohortBegan:
    """A cohort begins to train."""

    cohort: Cohort


@dataclass(frozen=True)
class EpochEnded:
    """A trial has trained for an epoch, counted from 1."""

    variant: str
    trial: Trial
    epoch: int
    logs: dict[str, float]


@dataclass(frozen=True)
class TrialEnded:
    """A trial is recorded."""

    variant: str
    trial: Trial


@dataclass(frozen=True)
class Note:
    """Something that a reader of the records should know."""

    text: str


Message = CohortBegan | EpochEnded | TrialEnded | Note


def train_in_worker(
    cohort: Cohort, dataset: Path, content_sha256: str, run: RunDirectory, settings: Settings
) -> None:
    """`train_recorded` for a process that has nothing yet.

    Raises:
        DataError: the dataset cannot be read any more, or a record not written.
        RunError: the dataset's file has other rows than when the run began.
    """
    set_up(settings.device, settings.threads)
    rows = _load(dataset)
    if rows.content_sha256 != content_sha256:
        raise RunError(
            f"{dataset} has changed since the run began: its trials would not belong "
            "together. Start a new run."
        )
    train_recorded(cohort, rows, run, settings)


@lru_cache(maxsize=1)
def _load(path: Path) -> Dataset:
    return store.load(path)


def train_recorded(cohort: Cohort, dataset: Dataset, run: RunDirectory, settings: Settings) -> None:
    """Train a cohort; each trial is recorded as soon as it has ended.

    What goes wrong for one trial is recorded as its failure. Where a cohort cannot
    go on together, such as for want of memory, its halves are trained apart.

    Args:
        cohort: what to train.
        dataset: on what.
        run: where to record it.
        settings: how.

    Raises:
        DataError: a record cannot be written.
    """
    send(CohortBegan(cohort))
    recorder = _Recorder(cohort, dataset, run, settings)
    try:
        train_cohort(
            [Member(t.network, t.training, t.seed) for _, t in cohort.trials],
            rows_of(dataset, cohort.trials[0][1], "train"),
            rows_of(dataset, cohort.trials[0][1], "validation"),
            len(dataset.genres),
            device=settings.device,
            precision=settings.precision,
            on_epoch=recorder.epoch_ended,
            on_end=recorder.ended,
            report=recorder.note,
        )
    except Exception as error:  # whatever it is, only what is left of this cohort is concerned
        if recorder.broken:
            raise
        failed = Failed.of(error)
    else:
        return
    release_memory()  # now that the error no longer holds what the cohort took
    left = [named for number, named in enumerate(cohort.trials) if number not in recorder.done]
    if len(left) > 1:
        recorder.note(f"a cohort of {len(left)} trains in halves: {failed.reason}")
        middle = len(left) // 2
        for half in (left[:middle], left[middle:]):
            train_recorded(Cohort(tuple(half)), dataset, run, settings)
    elif left:
        recorder.ended(cohort.trials.index(left[0]), failed)


class _Recorder:
    """Records a cohort's trials; `done` has the numbers of those that have ended."""

    def __init__(
        self, cohort: Cohort, dataset: Dataset, run: RunDirectory, settings: Settings
    ) -> None:
        self._cohort, self._dataset, self._run = cohort, dataset, run
        self._settings = settings
        self._began = time.perf_counter()
        self.done: set[int] = set()
        self.broken = False  # whether a record could not be written
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        self._notes.append(text)
        send(Note(text))

    def epoch_ended(self, number: int, epoch: int, logs: dict[str, float]) -> None:
        send(EpochEnded(*self._cohort.trials[number], epoch, logs))

    def ended(self, number: int, outcome: Outcome) -> None:
        variant, trial = self._cohort.trials[number]
        try:
            self._run.write_result(trial.id, self._result(variant, trial, outcome))
        except Exception:
            self.broken = True
            raise
        self.done.add(number)
        send(TrialEnded(variant, trial))

    def _result(self, variant: str, trial: Trial, outcome: Outcome) -> dict[str, Any]:
        result: dict[str, Any] = {
            "trial": trial.id,
            "variant": variant,
            "seed": trial.seed,
            "cohort": {"id": self._cohort.id, "size": len(self._cohort.trials)},
            "notes": list(self._notes),
        }
        if isinstance(outcome, Failed):
            return result | failure(outcome.reason, outcome.traceback)
        result |= _training_record(trial, outcome)
        result["seconds"] = round(time.perf_counter() - self._began, 3)
        if outcome.status != "finished":
            return result
        probability = None
        if self._settings.tested:
            try:
                probability = predict(self._dataset, trial, outcome.model)
            except Exception as error:  # as above, it ends this trial and no other
                return result | failure(_reason(error), traceback.format_exc())
        self._run.write_model(trial.id, outcome.model.save)
        if probability is not None:
            result["test"] = record_test(self._run, self._dataset, trial, probability)
        return result


def failure(reason: str, details: str) -> dict[str, Any]:
    """What the record of a failed trial says."""
    return {"status": "failed", "reason": reason, "traceback": details, "test": None}


def predict(dataset: Dataset, trial: Trial, model: Any) -> npt.NDArray[np.float64]:
    """Probabilities of the test rows. [shape=(n, genres)]"""
    return probabilities_of(model, rows_of(dataset, trial, "test").features)


def record_test(
    run: RunDirectory, dataset: Dataset, trial: Trial, probability: npt.NDArray[np.float64]
) -> dict[str, Any]:
    """Write a trial's predictions; its test figures."""
    rows, genres = dataset.test, dataset.genres
    predicted = probability.argmax(axis=1)
    arrays = {"probability": probability, "predicted": predicted, "label": rows.label}
    arrays |= {"track": rows.track} | ({} if rows.start is None else {"start": rows.start})
    run.write_predictions(trial.id, arrays)
    confusion = metrics.confusion_matrix(rows.label, predicted, len(genres))
    scores = metrics.class_scores(confusion)
    return {
        "accuracy": metrics.accuracy(confusion),
        "macro_f1": metrics.macro_f1(confusion),
        "batch_mean_f1": metrics.batch_mean_f1(rows.label, predicted),
        "confusion_matrix": confusion.tolist(),
        "classes": {
            genre: {
                "precision": float(scores.precision[i]),
                "recall": float(scores.recall[i]),
                "f1": float(scores.f1[i]),
                "rows": int(scores.support[i]),
            }
            for i, genre in enumerate(genres)
        },
    }


def rows_of(dataset: Dataset, trial: Trial, split: SplitName) -> Rows:
    """What a trial's network reads of a split."""
    features = dataset.features(trial.network.features, split)  # type: ignore[arg-type]
    return Rows(features, getattr(dataset, split).label)


def _training_record(trial: Trial, trained: Trained) -> dict[str, Any]:
    history = trained.history
    epochs = len(history["loss"])
    kept = trained.best_epoch if trial.training.keep == "best" else epochs
    return {
        "status": trained.status,
        "best_epoch": trained.best_epoch,
        "kept_epoch": kept,
        "epochs": epochs,
        "validation": {
            "accuracy": history["val_accuracy"][kept - 1],
            "macro_f1": history["val_macro_f1"][kept - 1],
        },
        "history": {name: plain_floats(values) for name, values in history.items()},
        "epoch_seconds": [round(seconds, 4) for seconds in trained.epoch_seconds],
        "test": None,
    }


def _reason(error: BaseException) -> str:
    return Failed.of(error).reason
