"""Records a cohort's trials while they train."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from data.datasets.dataset import Dataset
from experiments.design.trial import Trial
from experiments.runs.directory import RunDirectory
from experiments.runs.events import EpochEnded, Note, TrialEnded
from experiments.runs.trial_result import Scores, TrialCohort, TrialResult
from experiments.training.cohorts import Cohort
from experiments.training.device import ResourceUsage, memory_in_use
from experiments.training.evaluation import with_test
from experiments.training.training_job import RunSettings
from experiments.workers.worker_main import OnMessage, send, sending, sending_to
from networks.engine.cohort import EpochScores, FailedTrial, Outcome
from networks.inference import save_model


class Recorder:
    """Records a cohort's trials; those that were done before stay as they are.

    Args:
        cohort: that trains.
        dataset: on what.
        run: where to record it.
        settings: whether trials are evaluated on the test rows, and where they train.
        write: calls a function that writes, and again while the disk is full.
    """

    def __init__(
        self,
        cohort: Cohort,
        dataset: Dataset,
        run: RunDirectory,
        settings: RunSettings,
        write: Callable[[Callable[[], None]], None],
    ) -> None:
        self._cohort, self._dataset, self._run = cohort, dataset, run
        self._settings, self._write = settings, write
        self._usage = ResourceUsage(settings.device)
        self._began = time.perf_counter()
        self._seconds_before = 0.0
        self._notes: dict[str, None] = {}
        self._done = {
            number for number, (_, trial) in enumerate(cohort.trials) if run.is_done(trial.id)
        }
        self.broken = False  # whether a record could not be written
        # A disk needs milliseconds to sync a file: as long as training an epoch of a small
        # network, and nothing is computed meanwhile. Hence a thread.
        self._writer: ThreadPoolExecutor | None = None
        self._writes: dict[int, tuple[TrialResult, Future[None]]] = {}

    @property
    def left(self) -> list[int]:
        """Numbers of the trials that are not done, nor about to be."""
        numbers = range(len(self._cohort.trials))
        return [n for n in numbers if n not in self._done and n not in self._writes]

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of this, JSON-ready."""
        return {"notes": list(self._notes), "seconds": self._seconds()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Resume from what `state` returned."""
        self._notes = dict.fromkeys(state["notes"])
        self._seconds_before = float(state["seconds"])

    def note(self, text: str) -> None:
        """Keep a sentence that readers of the results should know."""
        if text not in self._notes:
            self._notes[text] = None
            send(Note(text, self._cohort.id))

    def epoch_ended(self, epoch: int, seconds: float, scores: Sequence[EpochScores]) -> None:
        """Send the metrics of an epoch, of those trials that are not done."""
        left = [score for score in scores if score.index not in self._done]
        if not left:
            return
        rows_per_second = round(len(self._dataset.train) * len(scores) / seconds, 1)
        memory = memory_in_use(self._settings.device)
        cpu, gpu = round(self._usage.cpu(), 3), self._usage.gpu()
        events = (
            EpochEnded(
                self._cohort.trials[score.index][1].id,
                self._cohort.id,
                epoch,
                round(seconds, 5),
                rows_per_second,
                memory,
                score.logs,
                score.confusion.tolist(),
                cpu,
                gpu,
            )
            for score in left
        )
        send(*events)

    def ended(self, number: int, outcome: Outcome) -> None:
        """Save what a trial has ended with, and start to commit its result; see `finish`.

        Raises:
            StopAskedError: the disk is full and a stop was requested.
            DataError: it cannot be written.
        """
        if number not in self.left:
            return
        variant, trial = self._cohort.trials[number]
        try:
            result = self._record(variant, trial, outcome)
        except Exception:
            self.broken = True
            raise
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1)
        self._writes[number] = result, self._writer.submit(self._commit, result, sending())
        self._send_commits(wait=False)

    def finish(self) -> None:
        """Wait until the results of all trials that have ended are committed.

        Raises:
            StopAskedError, DataError: as `ended`.
        """
        if self._writer is not None:
            self._writer.shutdown()
            self._writer = None
        self._send_commits(wait=True)

    def _commit(self, result: TrialResult, target: OnMessage) -> None:
        with sending_to(target):
            self._write(partial(self._run.write_result, result))

    def _send_commits(self, *, wait: bool) -> None:
        for number, (result, written) in list(self._writes.items()):
            if not (wait or written.done()):
                continue
            del self._writes[number]
            try:
                written.result()
            except Exception:
                self.broken = True
                raise
            self._done.add(number)
            learning_rate = self._cohort.trials[number][1].training.learning_rate
            send(TrialEnded.from_result(result, learning_rate))

    def _record(self, variant: str, trial: Trial, outcome: Outcome) -> TrialResult:
        result = TrialResult(
            trial.id,
            variant,
            trial.seed,
            "failed" if isinstance(outcome, FailedTrial) else outcome.status,
            TrialCohort(self._cohort.id, len(self._cohort.trials)),
            tuple(self._notes),
        )
        if isinstance(outcome, FailedTrial):
            return replace(result, reason=outcome.reason, traceback=outcome.traceback)
        history, epochs = outcome.history, len(outcome.history["loss"])
        kept = outcome.best_epoch if trial.training.keep == "best" else epochs
        result = replace(
            result,
            epochs=epochs,
            best_epoch=outcome.best_epoch,
            kept_epoch=kept,
            validation=Scores(history["val_accuracy"][kept - 1], history["val_macro_f1"][kept - 1]),
            history={name: _finite(values) for name, values in history.items()},
            epoch_seconds=tuple(round(seconds, 4) for seconds in outcome.epoch_seconds),
            seconds=round(self._seconds(), 3),
        )
        return self._keep(result, trial, outcome.model) if result.is_finished else result

    def _keep(self, result: TrialResult, trial: Trial, model: Any) -> TrialResult:
        """Save the network and, where that is due, its predictions of the test rows."""
        self._write(partial(self._run.write_model, trial.id, partial(save_model, model)))
        if not self._settings.tested:
            return result
        return with_test(result, self._run, self._dataset, trial, model, self._write)

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._began


def _finite(values: Sequence[float]) -> list[float | None]:
    """Numbers for JSON, which knows neither NaN nor infinity: they become None."""
    return [float(value) if math.isfinite(value) else None for value in values]
