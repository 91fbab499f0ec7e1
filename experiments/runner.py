"""Trains the trials of a plan and records each as it ends."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from data.dataset import Dataset
from experiments.plan import Candidate, Plan
from experiments.records import RunDirectory, plain_floats
from experiments.trial import Trial
from networks import metrics
from networks.fit import fit as train
from networks.inference import load_model, probabilities_of
from networks.training import Rows, Trained


class Observer(Protocol):
    """Is told how far a run is."""

    def trial_began(self, variant: str, trial: Trial) -> None:
        """A trial begins."""

    def epoch_ended(self, epoch: int, epochs: int, logs: dict[str, float]) -> None:
        """An epoch, counted from 1, has ended."""

    def trial_ended(self, variant: str, trial: Trial, result: dict[str, Any]) -> None:
        """A trial is recorded."""


@dataclass(frozen=True)
class Runner:
    """Trains a plan on a dataset into a run's directory.

    Args:
        plan: what to train.
        dataset: on what.
        run: where to record it.
        device: "cpu" or "cuda".
        observer: is told how far it is.
    """

    plan: Plan
    dataset: Dataset
    run: RunDirectory
    device: str
    observer: Observer

    def execute(self) -> None:
        """Train and record every trial, then test those that validation selects.

        A trial that raises is recorded as failed, and the others go on.

        Raises:
            DataError: a record cannot be written.
        """
        tested_at_once = self.plan.protocol == "documented"
        for variant, trial in self.plan.trials:
            self.observer.trial_began(variant, trial)
            result = self._train(variant, trial, tested=tested_at_once)
            self.run.write_result(trial.id, result)
            self.observer.trial_ended(variant, trial, result)
        if not tested_at_once:
            self._test_selected()

    def _train(self, variant: str, trial: Trial, *, tested: bool) -> dict[str, Any]:
        result: dict[str, Any] = {"trial": trial.id, "variant": variant, "seed": trial.seed}
        began = time.perf_counter()
        epochs = trial.training.epochs
        try:
            trained = train(
                trial.network,
                trial.training,
                trial.seed,
                self._rows(trial, "train"),
                self._rows(trial, "validation"),
                len(self.dataset.genres),
                device=self.device,
                on_epoch=lambda epoch, logs: self.observer.epoch_ended(epoch, epochs, logs),
            )
            test = None
            if tested and trained.status == "finished":
                test = self._predict(trial, trained.model)
        except Exception as error:  # whatever it is, it ends this trial and no other
            lines = str(error).strip().splitlines() or [type(error).__name__]
            failure = {"reason": lines[0], "traceback": traceback.format_exc()}
            return result | {"status": "failed", **failure, "test": None}
        result |= _training_record(trial, trained)
        result["seconds"] = round(time.perf_counter() - began, 3)
        if trained.status == "finished":
            self.run.write_model(trial.id, trained.model.save)
        if test is not None:
            result["test"] = self._record_test(trial, test)
        return result

    def _predict(self, trial: Trial, model: Any) -> npt.NDArray[np.float64]:
        """Probabilities of the test rows. [shape=(n, genres)]"""
        return probabilities_of(model, self._rows(trial, "test").features)

    def _record_test(self, trial: Trial, probability: npt.NDArray[np.float64]) -> dict[str, Any]:
        """Write a trial's predictions; its test figures."""
        rows, genres = self.dataset.test, self.dataset.genres
        predicted = probability.argmax(axis=1)
        arrays = {"probability": probability, "predicted": predicted, "label": rows.label}
        arrays |= {"track": rows.track} | ({} if rows.start is None else {"start": rows.start})
        self.run.write_predictions(trial.id, arrays)
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

    def _test_selected(self) -> None:
        """Look at the test rows once, with each variant's selected trials."""
        for variant in self.plan.variants:
            for trial in select(self.run, variant.candidates).trials:
                result = self.run.read_result(trial.id)
                if result is None or result["status"] != "finished" or result["test"]:
                    continue
                model = load_model(self.run.trial_path(trial.id) / "model.keras")
                result["test"] = self._record_test(trial, self._predict(trial, model))
                self.run.write_result(trial.id, result)

    def _rows(self, trial: Trial, split: Any) -> Rows:
        features = self.dataset.features(trial.network.features, split)  # type: ignore[arg-type]
        return Rows(features, getattr(self.dataset, split).label)


def select(run: RunDirectory, candidates: Sequence[Candidate]) -> Candidate:
    """The candidate with the best validation macro-F1, averaged over its seeds.

    Trials that did not finish count as 0, so that a lucky seed cannot select a
    learning rate that mostly diverges. The first of equals wins.
    """

    def score(candidate: Candidate) -> float:
        results = [run.read_result(trial.id) for trial in candidate.trials]
        return float(
            np.mean(
                [
                    result["validation"]["macro_f1"]
                    if result and result["status"] == "finished"
                    else 0.0
                    for result in results
                ]
            )
        )

    return max(candidates, key=score)


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
