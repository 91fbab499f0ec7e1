"""Records a cohort's trials while they train."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from data.datasets.dataset import Dataset
from experiments.design.trial import Trial
from experiments.runs.directory import RunDirectory, plain_floats
from experiments.runs.events import EpochEnded, Note, TrialEnded
from experiments.runs.trial_result import Scores, TestScores, TrialResult
from experiments.training.cohorts import Cohort
from experiments.training.device import memory_in_use
from experiments.training.evaluation import predict, record_test
from experiments.training.job import Settings
from experiments.training.resource_usage import Usage
from experiments.workers.worker_main import OnMessage, send, sending, sending_to
from networks.engine.cohort import EpochScores, FailedTrial, Outcome
from networks.inference import save_model
from networks.training.results import TrainingResult

Write = Callable[[], None]


class Recorder:
    """Records a cohort's trials; those that were done before stay as they are.

    Args:
        cohort: that trains.
        dataset: on what.
        run: where to record it.
        settings: whether the test rows are looked at, and where it trains.
        patiently: calls a function that writes, as soon as there is room.
    """

    def __init__(
        self,
        cohort: Cohort,
        dataset: Dataset,
        run: RunDirectory,
        settings: Settings,
        patiently: Callable[[Write], None],
    ) -> None:
        self._cohort, self._dataset, self._run = cohort, dataset, run
        self._settings, self._patiently = settings, patiently
        self._usage = Usage(settings.device)
        self._began = time.perf_counter()
        self._seconds_before = 0.0
        self._notes: dict[str, None] = {}
        self._done = {
            number for number, (_, trial) in enumerate(cohort.trials) if run.is_done(trial.id)
        }
        self.broken = False  # whether a record could not be written
        # A disk takes milliseconds to say that a file is safe: as long as training an
        # epoch of a small network, and nothing is computed meanwhile. Hence a thread.
        self._writer: ThreadPoolExecutor | None = None
        self._writes: dict[int, tuple[TrialResult, Future[None]]] = {}

    @property
    def left(self) -> list[int]:
        """Numbers of the trials that are not done, nor about to be."""
        numbers = range(len(self._cohort.trials))
        return [n for n in numbers if n not in self._done and n not in self._writes]

    def carried(self) -> dict[str, Any]:
        """What a checkpoint keeps of this, JSON-ready."""
        return {"notes": list(self._notes), "seconds": self._seconds()}

    def take_up(self, carried: Mapping[str, Any]) -> None:
        """Go on from what `carried` gave."""
        self._notes = dict.fromkeys(carried["notes"])
        self._seconds_before = float(carried["seconds"])

    def note(self, text: str) -> None:
        """Keep what readers of the results should know."""
        if text not in self._notes:
            self._notes[text] = None
            send(Note(text, self._cohort.id))

    def epoch_ended(self, epoch: int, seconds: float, scores: Sequence[EpochScores]) -> None:
        """Send the metrics of an epoch, of those trials that are not done."""
        left = [score for score in scores if score.index not in self._done]
        if not left:
            return
        rows_per_second = len(self._dataset.train) * len(scores) / seconds
        memory = memory_in_use(self._settings.device)
        cpu, gpu = round(self._usage.cpu(), 3), self._usage.gpu()
        events = [
            EpochEnded(
                self._cohort.trials[score.index][1].id,
                self._cohort.id,
                epoch,
                round(seconds, 5),
                round(rows_per_second, 1),
                memory,
                score.logs,
                score.confusion.tolist(),
                cpu,
                gpu,
            )
            for score in left
        ]
        send(*events)

    def ended(self, number: int, outcome: Outcome) -> None:
        """Keep what a trial leaves and have its result committed; `finish` waits for that.

        Raises:
            StopAskedError: the disk is full and a stop was asked for.
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
        self._tell_of_commits(wait=False)

    def finish(self) -> None:
        """Wait until the results of all trials that have ended are committed.

        Raises:
            StopAskedError, DataError: as `ended`.
        """
        if self._writer is not None:
            self._writer.shutdown()
            self._writer = None
        self._tell_of_commits(wait=True)

    def _commit(self, result: TrialResult, target: OnMessage) -> None:
        with sending_to(target):
            self._patiently(partial(self._run.write_result, result))

    def _tell_of_commits(self, *, wait: bool) -> None:
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
            self._cohort.id,
            len(self._cohort.trials),
            tuple(self._notes),
        )
        if isinstance(outcome, FailedTrial):
            return replace(result, reason=outcome.reason, traceback=outcome.traceback)
        result = _with_training(result, trial, outcome, round(self._seconds(), 3))
        return self._keep(result, trial, outcome) if result.is_finished else result

    def _keep(self, result: TrialResult, trial: Trial, trained: TrainingResult) -> TrialResult:
        """Keep the network and, if they are looked at now, the test rows' predictions."""
        save = partial(save_model, trained.model)
        self._patiently(partial(self._run.write_model, trial.id, save))
        if not self._settings.tested:
            return result
        try:
            probability = predict(self._dataset, trial, trained.model)
        except Exception as error:  # as in training, it ends this trial and no other
            reason, details = FailedTrial.of(error).reason, traceback.format_exc()
            return replace(result, status="failed", reason=reason, traceback=details)
        test: list[TestScores] = []
        self._patiently(
            lambda: test.append(record_test(self._run, self._dataset, trial, probability))
        )
        return replace(result, test=test[-1])

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._began


def _with_training(
    result: TrialResult, trial: Trial, trained: TrainingResult, seconds: float
) -> TrialResult:
    history = trained.history
    epochs = len(history["loss"])
    kept = trained.best_epoch if trial.training.keep == "best" else epochs
    return replace(
        result,
        epochs=epochs,
        best_epoch=trained.best_epoch,
        kept_epoch=kept,
        validation=Scores(history["val_accuracy"][kept - 1], history["val_macro_f1"][kept - 1]),
        history={name: plain_floats(values) for name, values in history.items()},
        epoch_seconds=tuple(round(seconds, 4) for seconds in trained.epoch_seconds),
        seconds=seconds,
    )
