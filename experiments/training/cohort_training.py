"""Trains a cohort in a worker process."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from data.datasets.dataset import Dataset
from experiments.runs.checkpoints import Checkpoint, Checkpoints
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.events import CheckpointWritten, CohortBegan, Note
from experiments.training.cohorts import Cohort
from experiments.training.device import release_memory
from experiments.training.evaluation import rows_of
from experiments.training.recorder import Recorder
from experiments.training.training_job import TrainingJob, open_job
from experiments.workers.worker_main import send
from networks.engine.cohort import CohortState, FailedTrial, TrialSpec
from networks.engine.fallback import train_trials


def train(job: TrainingJob, cohort: Cohort) -> bool:
    """Train a cohort from its newest checkpoint on; each trial is recorded when it ends.

    An error of one trial is recorded as its failure. Where a cohort cannot go on together,
    such as for want of memory, its halves are trained apart. While the disk is full this
    waits.

    Args:
        job: on what, where and how.
        cohort: what to train. Trials of it that are done are computed in their places,
            for the others' sake, where the cohort resumes from before their end.

    Returns:
        Whether it was trained to its end: False where a stop was requested.

    Raises:
        DataError: the dataset cannot be read, or a record not written.
        RunError: the dataset has changed.
    """
    return _Training(job, open_job(job, cohort.fold), cohort).train()


class _Training:
    """Trains one cohort."""

    def __init__(self, job: TrainingJob, dataset: Dataset, cohort: Cohort) -> None:
        self._job, self._dataset, self._cohort = job, dataset, cohort
        self._run = job.run
        self._settings = replace(job.settings, device=cohort.device or job.settings.device)
        self._trials = [trial for _, trial in cohort.trials]
        folder = self._run.cohort_path(cohort.id)
        seconds = self._settings.checkpoint_seconds
        self._checkpoints = Checkpoints(folder, seconds, self._run.commit)
        self._recorder = Recorder(cohort, dataset, self._run, self._settings, self._write)
        self._stopped = False

    def train(self) -> bool:
        """Train it, or its halves; whether to its end."""
        left = set(self._recorder.left)
        checkpoint = self._checkpoints.newest(
            lambda checkpoint: left <= set(checkpoint.state.active), self._note
        )
        try:
            try:
                self._train(checkpoint)
            finally:
                self._recorder.finish()
        except StopAskedError:
            return False
        except Exception as error:  # of any kind: it ends what is left of this cohort only
            if self._recorder.broken:
                raise
            failed = FailedTrial.of(error)
        else:
            if not self._stopped:
                self._checkpoints.clear()
            return not self._stopped
        release_memory()  # now that the error no longer references the cohort's
        if checkpoint is not None:
            self._note(f"the cohort restarts, as it cannot go on: {failed.reason}")
            self._checkpoints.clear()
            return _Training(self._job, self._dataset, self._cohort).train()
        return self._train_halves(failed)

    def _train(self, checkpoint: Checkpoint | None) -> None:
        state = None
        if checkpoint is not None:
            state = checkpoint.state
            self._recorder.restore(checkpoint.extra)
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

    def _after_epoch(self, epoch: int, snapshot: Callable[[], CohortState] | None) -> bool:
        """Write a checkpoint if it is time for one and there can be one; whether to stop."""
        if not self._recorder.left:
            return True  # the others had ended before this process began
        self._stopped = self._run.stop_is_asked
        if snapshot is not None and (self._stopped or self._checkpoints.is_due):
            try:
                self._write(partial(self._write_checkpoint, snapshot))
            except Exception:
                self._recorder.broken = True
                raise
        return self._stopped

    def _write_checkpoint(self, snapshot: Callable[[], CohortState]) -> None:
        self._recorder.finish()  # those that have left are not in it
        state, extra = snapshot(), self._recorder.state()
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
            self._note(f"a cohort of {len(left)} trains in halves: {failed.reason}")
            parts = [half.record.trials for half in halves]
            self._write(partial(self._run.write_split, self._cohort.id, parts, failed.reason))
        except StopAskedError:
            return False
        return all(_Training(self._job, self._dataset, half).train() for half in halves)

    def _write(self, write: Callable[[], None]) -> None:
        retry_when_disk_full(write, self._run, send)

    def _note(self, text: str) -> None:
        send(Note(text, self._cohort.id))
