"""Has the cohorts of a plan trained, then tests what validation selects."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from data.dataset import Dataset
from experiments.cohorts import Cohort
from experiments.engine import (
    CohortBegan,
    EpochEnded,
    Message,
    Note,
    Settings,
    TrialEnded,
    failure,
    predict,
    record_test,
    train_in_worker,
    train_recorded,
)
from experiments.plan import Candidate, Plan
from experiments.pool import InlinePool, WorkerDiedError, WorkerPool
from experiments.records import RunDirectory
from experiments.trial import Trial
from networks.inference import load_model


class Observer(Protocol):
    """Is told how far a run is; never two things at once."""

    def cohort_began(self, cohort: Cohort) -> None:
        """A cohort begins to train."""

    def epoch_ended(self, variant: str, trial: Trial, epoch: int, logs: dict[str, float]) -> None:
        """A trial has trained for an epoch, counted from 1."""

    def trial_ended(self, variant: str, trial: Trial, result: dict[str, Any]) -> None:
        """A trial is recorded."""

    def note(self, text: str) -> None:
        """Something has happened that the user should know."""


@dataclass(frozen=True)
class Runner:
    """Trains a plan on a dataset into a run's directory.

    Args:
        plan: what to train.
        cohorts: its trials, in groups that train in lockstep.
        dataset: on what.
        dataset_path: its file, which several processes need.
        run: where to record it.
        settings: how.
        workers: processes; 1 trains in this one.
        observer: is told how far it is.
    """

    plan: Plan
    cohorts: Sequence[Cohort]
    dataset: Dataset
    dataset_path: Path | None
    run: RunDirectory
    settings: Settings
    workers: int
    observer: Observer

    def execute(self) -> None:
        """Train and record every trial, then test those that validation selects.

        A trial that raises is recorded as failed, and the others go on. Where a worker
        dies, the trials that it had not recorded are trained anew, in halves.

        Raises:
            DataError: a record cannot be written.
            RunError: the dataset's file has changed meanwhile.
        """
        with self._pool() as pool:
            waiting = {self._submit(pool, cohort): cohort for cohort in self.cohorts}
            while waiting:
                ended, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    cohort = waiting.pop(future)
                    try:
                        future.result()
                    except WorkerDiedError as error:
                        for half in self._after_death(cohort, error):
                            waiting[self._submit(pool, half)] = half
        if not self.settings.tested:
            self._test_selected()

    def _pool(self) -> InlinePool | WorkerPool:
        if self.workers == 1:
            return InlinePool(on_message=self._observe)
        return WorkerPool(self.workers, threads=self.settings.threads, on_message=self._observe)

    def _submit(self, pool: InlinePool | WorkerPool, cohort: Cohort) -> Future[None]:
        if self.workers == 1:
            return pool.submit(train_recorded, cohort, self.dataset, self.run, self.settings)
        assert self.dataset_path is not None
        return pool.submit(
            train_in_worker,
            cohort,
            self.dataset_path,
            self.dataset.content_sha256,
            self.run,
            self.settings,
        )

    def _after_death(self, cohort: Cohort, error: WorkerDiedError) -> list[Cohort]:
        """What to train anew after a worker died on a cohort."""
        left = [named for named in cohort.trials if self.run.read_result(named[1].id) is None]
        self.observer.note(str(error))
        if len(left) > 1:
            middle = len(left) // 2
            return [Cohort(tuple(half)) for half in (left[:middle], left[middle:])]
        for variant, trial in left:
            result = {"trial": trial.id, "variant": variant, "seed": trial.seed}
            result |= failure(str(error), str(error))
            self.run.write_result(trial.id, result)
            self.observer.trial_ended(variant, trial, result)
        return []

    def _observe(self, message: Message) -> None:
        match message:
            case CohortBegan(cohort=cohort):
                self.observer.cohort_began(cohort)
            case EpochEnded(variant=variant, trial=trial, epoch=epoch, logs=logs):
                self.observer.epoch_ended(variant, trial, epoch, logs)
            case TrialEnded(variant=variant, trial=trial):
                result = self.run.read_result(trial.id)
                assert result is not None
                self.observer.trial_ended(variant, trial, result)
            case Note(text=text):
                self.observer.note(text)

    def _test_selected(self) -> None:
        """Look at the test rows once, with each variant's selected trials."""
        for variant in self.plan.variants:
            for trial in select(self.run, variant.candidates).trials:
                result = self.run.read_result(trial.id)
                if result is None or result["status"] != "finished" or result["test"]:
                    continue
                model = load_model(self.run.trial_path(trial.id) / "model.keras")
                probability = predict(self.dataset, trial, model)
                result["test"] = record_test(self.run, self.dataset, trial, probability)
                self.run.write_result(trial.id, result)


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
