"""What a worker does: it trains a cohort, or tests what validation has selected."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from data.datasets.dataset import Dataset
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.runs.checkpoints import Checkpoint, Checkpoints
from experiments.runs.directory import RunDirectory
from experiments.runs.disk_space import StopAskedError, patiently
from experiments.runs.events import (
    CheckpointWritten,
    CohortBegan,
    Continued,
    Note,
    Paused,
    TrialEnded,
)
from experiments.runs.trial_result import TrialResult
from experiments.training.cohort_splits import record_split
from experiments.training.cohorts import Cohort
from experiments.training.device import release_memory
from experiments.training.evaluation import predict_with_kept_model, record_test, rows_of
from experiments.training.job import Work, open_work
from experiments.training.recorder import Recorder
from experiments.workers.worker_main import send
from networks.engine.cohort import CohortState, FailedTrial, TrialSpec
from networks.engine.fallback import train_trials
from networks.errors import ConfigError


def train(work: Work, cohort: Cohort) -> bool:
    """Train a cohort from its newest checkpoint on; each trial is recorded when it ends.

    What goes wrong for one trial is recorded as its failure. Where a cohort cannot
    go on together, such as for want of memory, its halves are trained apart. While
    the disk is full this waits.

    Args:
        work: on what, where and how.
        cohort: what to train. Trials of it that are done are computed in their places,
            for the others' sake, where the cohort goes on from before their end.

    Returns:
        Whether it was trained to its end: False where a stop was asked for.

    Raises:
        DataError: the dataset cannot be read, or a record not written.
        RunError: the dataset has changed.
    """
    return _Training(work, open_work(work), cohort).train()


def test(work: Work, trial: Trial) -> bool:
    """Look at the test rows with the model that a trial left, and record its figures.

    Returns:
        False where the disk was full and a stop was asked for.

    Raises:
        DataError, RunError: as `train`; or the model is damaged, and the trial counts as
            not done from now on.
    """
    dataset, run = open_work(work), work.run
    result = run.read_result(trial.id)
    if result is None or not result.needs_test:
        return True
    try:
        probability = predict_with_kept_model(run, dataset, trial)
    except ConfigError as error:
        run.discard_result(trial.id)
        raise RunError(
            f"{error} python -m experiments resume {run.path.name} trains it anew."
        ) from error

    def write() -> None:
        test = record_test(run, dataset, trial, probability)
        tested.append(replace(result, test=test))
        run.write_result(tested[-1])

    tested: list[TrialResult] = []
    try:
        _patiently(write, run)
    except StopAskedError:
        return False
    send(TrialEnded.from_result(tested[-1], trial.training.learning_rate))
    return True


class _Training:
    """Trains one cohort."""

    def __init__(self, work: Work, dataset: Dataset, cohort: Cohort) -> None:
        self._work, self._dataset, self._cohort = work, dataset, cohort
        self._run = work.run
        self._settings = replace(work.settings, device=cohort.device or work.settings.device)
        self._trials = [trial for _, trial in cohort.trials]
        folder = self._run.cohort_path(cohort.id)
        self._checkpoints = Checkpoints(folder, self._settings.checkpoint_seconds)
        self._recorder = Recorder(cohort, dataset, self._run, self._settings, self._patiently)
        self._stopped = False

    def train(self) -> bool:
        """Train it, or its halves; whether to the end."""
        left = set(self._recorder.left)
        checkpoint = self._checkpoints.newest(
            lambda checkpoint: left <= set(checkpoint.state.active), self._say
        )
        try:
            try:
                self._train(checkpoint)
            finally:
                self._recorder.finish()
        except StopAskedError:
            return False
        except Exception as error:  # whatever it is, only what is left of this cohort is concerned
            if self._recorder.broken:
                raise
            failed = FailedTrial.of(error)
        else:
            if not self._stopped:
                self._checkpoints.clear()
            return not self._stopped
        release_memory()  # now that the error no longer holds what the cohort took
        if checkpoint is not None:
            self._say(f"the cohort begins anew, as it cannot go on: {failed.reason}")
            self._checkpoints.clear()
            return _Training(self._work, self._dataset, self._cohort).train()
        return self._train_halves(failed)

    def _train(self, checkpoint: Checkpoint | None) -> None:
        state = None
        if checkpoint is not None:
            state = checkpoint.state
            self._recorder.take_up(checkpoint.extra)
        left = tuple(self._trials[number].id for number in self._recorder.left)
        send(CohortBegan(self._cohort.id, left, state.epoch if state else 0, os.getpid()))
        train_trials(
            [TrialSpec(trial.network, trial.training, trial.seed) for trial in self._trials],
            rows_of(self._dataset, self._trials[0], "train"),
            rows_of(self._dataset, self._trials[0], "validation"),
            len(self._dataset.genres),
            device=self._settings.device,
            precision=self._settings.precision,
            on_epoch=self._recorder.epoch_ended,
            on_end=self._recorder.ended,
            after_epoch=self._after_epoch,
            state=state,
            report=self._recorder.note,
        )

    def _after_epoch(self, epoch: int, take: Callable[[], CohortState] | None) -> bool:
        """Write a checkpoint if it is time for one and there can be one; whether to stop."""
        if not self._recorder.left:
            return True  # the others had ended before this process began
        self._stopped = self._run.stop_is_asked
        if take is not None and (self._stopped or self._checkpoints.is_due):
            try:
                self._patiently(partial(self._write_checkpoint, take))
            except Exception:
                self._recorder.broken = True
                raise
        return self._stopped

    def _write_checkpoint(self, take: Callable[[], CohortState]) -> None:
        self._recorder.finish()  # those that have left are not in it
        state, extra = take(), self._recorder.carried()
        size, seconds = self._checkpoints.write(Checkpoint(state, extra))
        send(CheckpointWritten(self._cohort.id, state.epoch, size, round(seconds, 4)))

    def _train_halves(self, failed: FailedTrial) -> bool:
        left = [self._cohort.trials[number] for number in self._recorder.left]
        try:
            if len(left) == 1:
                self._recorder.ended(self._recorder.left[0], failed)
                self._recorder.finish()
                return True
            halves = Cohort(tuple(left)).halves()
            self._say(f"a cohort of {len(left)} trains in halves: {failed.reason}")
            self._patiently(partial(record_split, self._run, self._cohort, halves, failed.reason))
        except StopAskedError:
            return False
        return all(_Training(self._work, self._dataset, half).train() for half in halves)

    def _patiently(self, write: Callable[[], None]) -> None:
        _patiently(write, self._run)

    def _say(self, text: str) -> None:
        send(Note(text, self._cohort.id))


def _patiently(write: Callable[[], None], run: RunDirectory) -> None:
    patiently(write, run, lambda reason: send(Paused(reason)), lambda: send(Continued()))
