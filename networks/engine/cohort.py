"""Trains the trials of a cohort in lockstep, as one batched computation.

Keras defines each trial's network, optimizer and callbacks; one traced step updates
all trials at once (see `networks.engine`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import torch

from networks.backend import keras_defaults
from networks.engine.cohort_epoch import CohortData, CohortTrainer
from networks.engine.cohort_state import CohortState
from networks.engine.trial_state import EpochScores, FailedTrial, TrialSpec, TrialState
from networks.errors import ConfigError
from networks.models.build import build_model
from networks.training.cohort_key import Precision, cohort_key
from networks.training.results import LabelledRows, TrainingResult, undo_compile

__all__ = [
    "CohortState",
    "EpochScores",
    "FailedTrial",
    "Outcome",
    "Precision",
    "TrialSpec",
    "train_cohort",
]

Outcome = TrainingResult | FailedTrial


@keras_defaults()
def train_cohort(
    trials: Sequence[TrialSpec],
    train_rows: LabelledRows,
    validation_rows: LabelledRows,
    classes: int,
    *,
    device: str = "cpu",
    precision: Precision = "float32",
    on_epoch: Callable[[int, float, Sequence[EpochScores]], None] | None = None,
    on_end: Callable[[int, Outcome], None] | None = None,
    after_epoch: Callable[[int, Callable[[], CohortState]], bool] | None = None,
    state: CohortState | None = None,
    callbacks: Callable[[int], Sequence[keras.callbacks.Callback]] | None = None,
    report: Callable[[str], None] | None = None,
    models: Sequence[keras.Model | None] | None = None,
) -> list[Outcome | None]:
    """Train networks of one architecture, optimizer and batch size together.

    Each trial has initial weights, an order of rows, dropout, a learning rate, weight decay
    and callbacks of its own, which do not depend on the other trials: its curve is that of
    the trial trained alone, up to rounding. A trial that stops, diverges or whose callback
    raises ends, and the others go on. On the CPU the same cohort twice gives the same bits.

    Args:
        trials: with equal `cohort_key`s.
        train_rows, validation_rows: raw features and labels, the same for all.
        classes: number of genres.
        device: "cpu" or "cuda".
        precision: of products: "float32"; "tf32" on CUDA; "bfloat16" with sums and
            weights in float32. Trained models are float32.
        on_epoch: called with the number of each epoch that ended, counted from 1, its
            seconds, and the scores of each trial that trained.
        on_end: called with a trial's index and outcome as soon as it ends.
        after_epoch: called after each epoch that leaves trials to train, after `on_end`,
            with the number of epochs that are done and a function that captures the
            cohort's state. When it returns True, training ends here.
        state: to resume from, instead of from the beginning.
        callbacks: gives the further Keras callbacks of the trial of an index. They are
            called after those of its config, at the beginnings and ends of training and
            of epochs.
        report: called with a sentence when a slower way of computing had to be taken.
        models: of each trial, one to train in place, or None to build that of its config.
            Those that are given are of one architecture, not compiled, and end in logits.

    Returns:
        The outcomes, in the order of `trials`; None for those that had ended before `state`
        or were still training when `after_epoch` ended the training.

    Raises:
        ConfigError: the trials cannot train in lockstep, the device cannot compute
            with that precision, or `state` is that of another cohort.

    Example:
    >>> seeds = [TrialSpec(FFNConfig(), TrainingConfig(epochs=5), seed) for seed in range(8)]
    >>> outcomes = train_cohort(seeds, train_rows, validation_rows, classes=4)
    """
    _check(trials, device, precision)
    outcomes: dict[int, Outcome] = {}

    def ended(index: int, outcome: Outcome) -> None:
        outcomes[index] = outcome
        if on_end is not None:
            on_end(index, outcome)

    with _computing(device, precision):
        steps = -(-len(train_rows.label) // trials[0].training.batch_size)
        states: list[TrialState] = []
        for index in range(len(trials)) if state is None else state.indices:
            spec = trials[index]
            try:
                model = None if models is None else models[index]
                if model is None:
                    model = _build(spec, classes, train_rows)
                further = () if callbacks is None else callbacks(index)
                states.append(TrialState(index, spec, model, steps, further))
            except Exception as error:
                if state is not None:
                    raise  # it could be built when the state was captured
                ended(index, FailedTrial.of(error))
        data = CohortData(train_rows, validation_rows, classes, device)
        loop = _TrainingLoop(states, data, precision, ended, report or (lambda _: None))
        loop.run(on_epoch or (lambda *_: None), after_epoch or (lambda *_: False), state)
    return [outcomes.get(index) for index in range(len(trials))]


class _TrainingLoop:
    """Trains a cohort epoch by epoch until no trial is left.

    Args:
        trials: of the cohort.
        data: that they train on.
        precision: of products.
        ended: called with a trial's index and outcome when it ends.
        report: see `train_cohort`.
    """

    def __init__(
        self,
        trials: Sequence[TrialState],
        data: CohortData,
        precision: Precision,
        ended: Callable[[int, Outcome], None],
        report: Callable[[str], None],
    ) -> None:
        self._active = list(trials)
        self._data, self._precision, self._report = data, precision, report
        self._ended = ended
        self._failed: dict[int, FailedTrial] = {}

    def run(
        self,
        on_epoch: Callable[[int, float, Sequence[EpochScores]], None],
        after_epoch: Callable[[int, Callable[[], CohortState]], bool],
        state: CohortState | None,
    ) -> None:
        """Train to the end; for the arguments see `train_cohort`."""
        trainer: CohortTrainer | None = None
        try:
            trainer = self._begin(state)
            epoch = 0 if state is None else state.epoch
            while self._active:
                # Trials that have ended are computed all the same, so now and then a smaller
                # trainer is made for those that are left.
                if trainer is None or len(self._active) <= len(trainer.trials) // 2:
                    trainer = self._trainer(self._active)
                for trial in self._train_epoch(trainer, epoch, on_epoch):
                    self._active.remove(trial)
                    self._end(trial, trainer)
                epoch += 1
                capture = partial(CohortState.capture, trainer, self._active, epoch)
                if self._active and after_epoch(epoch, capture):
                    return
        finally:  # a model that the user gave is theirs again, after Ctrl-C too
            for trial in self._active:
                if trainer is not None:
                    trainer.release(trial)
                undo_compile(trial.model)

    def _trainer(self, trials: Sequence[TrialState]) -> CohortTrainer:
        return CohortTrainer(trials, self._data, self._precision, self._report)

    def _begin(self, state: CohortState | None) -> CohortTrainer | None:
        """Begin the training of all trials; where it resumes, with the trainer of then."""
        everyone = list(self._active)
        if state is not None:
            self._active = [trial for trial in everyone if trial.index in state.active]
        for trial in list(self._active):
            self._attempt(trial, trial.begin)
            if trial.index in self._failed:
                self._active.remove(trial)
                undo_compile(trial.model)
                self._ended(trial.index, self._failed[trial.index])
        if state is None:
            return None
        trainer = self._trainer(everyone)
        state.restore(trainer, self._active)
        return trainer

    def _train_epoch(
        self,
        trainer: CohortTrainer,
        epoch: int,
        on_epoch: Callable[[int, float, Sequence[EpochScores]], None],
    ) -> list[TrialState]:
        """Train an epoch; the trials for which it was the last."""
        began = time.perf_counter()
        for trial in self._active:
            self._attempt(trial, trial.begin_epoch, epoch)
        training_logs = trainer.train_epoch(epoch)
        validation = trainer.validate()
        seconds = time.perf_counter() - began
        leaving, scores = [], []
        for trial, logs, validated in zip(trainer.trials, training_logs, validation, strict=True):
            if trial not in self._active:
                continue
            if trial.index not in self._failed:
                logs = logs | validated.logs
                scores.append(replace(validated, logs=dict(logs)))
                self._attempt(trial, trial.end_epoch, epoch, logs, seconds)
            if trial.index in self._failed or trial.is_over(epoch):
                leaving.append(trial)
        on_epoch(epoch + 1, seconds, scores)
        return leaving

    def _end(self, trial: TrialState, trainer: CohortTrainer) -> None:
        if trial.index not in self._failed:
            self._attempt(trial, trial.end)
        trainer.release(trial)
        undo_compile(trial.model)
        self._ended(trial.index, self._failed.get(trial.index) or trial.result())

    def _attempt(self, trial: TrialState, hook: Callable[..., None], *arguments: Any) -> None:
        """Call a trial's hook: what it raises ends this trial and no other."""
        try:
            hook(*arguments)
        except Exception as error:
            self._failed[trial.index] = FailedTrial.of(error)


def _build(spec: TrialSpec, classes: int, rows: LabelledRows) -> keras.Model:
    assert spec.network is not None
    with keras.device("cpu"):  # the same initial weights whatever the device
        return build_model(spec.network, classes, spec.seed, rows.features)


def _check(trials: Sequence[TrialSpec], device: str, precision: Precision) -> None:
    keys = {cohort_key(trial.network, trial.training) for trial in trials}
    if len(keys) != 1:
        raise ConfigError(
            "the trials of a cohort must have one architecture, optimizer and batch size. "
            f"Received {len(keys)} kinds among {len(trials)} trials: train them apart."
        )
    if precision == "tf32" and device != "cuda":
        raise ConfigError(
            f"precision tf32 needs a CUDA device. Received: {device}. Use float32 or bfloat16."
        )


@contextmanager
def _computing(device: str, precision: Precision) -> Iterator[None]:
    """Keras on a device, products in a precision."""
    cuda = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        with keras.device(device):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = cuda
