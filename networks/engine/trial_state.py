"""The Keras side of one trial of a cohort: its model, optimizer and callbacks."""

from __future__ import annotations

import math
import traceback
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.engine.forward import dropout_layers
from networks.errors import ConfigError
from networks.models.config import NetworkConfig, TrainingConfig
from networks.optimizers.base import TraceableOptimizer
from networks.training.callbacks import BestWeights, batch_hook, config_callbacks, restore, state_of
from networks.training.results import (
    Status,
    TrainingResult,
    best_epoch,
    compile_model,
)
from networks.training.schedules import LearningRateSchedule


@dataclass(frozen=True)
class TrialSpec:
    """A trial to train in a cohort.

    Args:
        network: config of the network; None where its model is built already.
        training: config of the training.
        seed: of the initial weights, the order of rows and dropout.
    """

    network: NetworkConfig | None
    training: TrainingConfig
    seed: int


_LONGEST_REASON, _LONGEST_TRACEBACK = 2000, 100_000  # characters: a message may hold arrays


@dataclass(frozen=True)
class FailedTrial:
    """A trial that ended with an exception, while its cohort went on.

    Args:
        reason: first line of the exception's text.
        traceback: of the exception.
    """

    reason: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> FailedTrial:
        """Describe an exception."""
        lines = str(error).strip().splitlines() or [type(error).__name__]
        details = "".join(traceback.format_exception(error))
        return cls(lines[0][:_LONGEST_REASON], details[-_LONGEST_TRACEBACK:])


@dataclass(frozen=True)
class EpochScores:
    """Metrics of one trial at the end of an epoch.

    Args:
        index: of the trial in its cohort.
        logs: value by metric, named as in a Keras history.
        confusion: of the validation rows, true classes in rows, predicted ones in columns.
            [shape=(classes, classes)]
    """

    index: int
    logs: dict[str, float]
    confusion: npt.NDArray[np.int64]


class _CompactHistory(keras.callbacks.History):  # type: ignore[misc]
    """Keras's history in arrays, which take a quarter of the memory of lists of floats."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.epoch = array("q")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name in logs or {}:
            self.history.setdefault(name, array("d"))
        super().on_epoch_end(epoch, logs)

    def restore(self, history: Mapping[str, Sequence[float]], epochs: int) -> None:
        """Go on from an earlier history."""
        self.history = {name: array("d", values) for name, values in history.items()}
        self.epoch = array("q", range(epochs))


class TrialState:
    """A trial while it trains; its Keras callbacks see what `keras.Model.fit` shows them.

    Args:
        index: of the trial in its cohort.
        spec: what to train.
        model: its network, not compiled.
        steps: batches in an epoch.
        callbacks: further Keras callbacks, called after those of the config.

    Raises:
        ConfigError: a callback overrides a method that Keras calls for every batch.
    """

    def __init__(
        self,
        index: int,
        spec: TrialSpec,
        model: keras.Model,
        steps: int,
        callbacks: Sequence[keras.callbacks.Callback],
    ) -> None:
        _refuse_batch_hooks(callbacks)
        self.index, self.seed = index, spec.seed
        self.training = spec.training
        rates = [layer.rate for layer in dropout_layers(model)]
        self.dropout: float = rates[0] if rates else 0.0  # one rate for all layers
        self.model = compile_model(model, spec.training)
        self.optimizer: TraceableOptimizer = model.optimizer
        self.optimizer.build(model.trainable_variables)
        self.status: Status = "finished"
        self.epoch_seconds = array("d")
        own = config_callbacks(spec.training, steps)
        self._own_callbacks, self._has_others = own, bool(callbacks)
        self._history = _CompactHistory()
        self._callbacks = keras.callbacks.CallbackList(
            [*own, *callbacks, self._history],
            add_progbar=False,
            model=model,
            epochs=spec.training.epochs,
            steps=steps,
            verbose=0,
        )
        self._logs: dict[str, float] = {}

    @property
    def history(self) -> dict[str, array[float]]:
        """Value of each metric at the end of each epoch so far."""
        return self._history.history

    def begin(self) -> None:
        """Call the callbacks' `on_train_begin`."""
        self.model.stop_training = False
        self._callbacks.on_train_begin()

    def begin_epoch(self, epoch: int) -> None:
        """Call the callbacks' `on_epoch_begin`; epochs count from 0."""
        self._callbacks.on_epoch_begin(epoch)

    @property
    def rates_move_by_step(self) -> bool:
        """Whether the schedule sets other rates for each step of an epoch."""
        schedule = self.training.schedule
        return schedule.stepping == "step" and schedule.kind in ("cosine", "one_cycle")

    def set_rates(self, step: int) -> None:
        """Set the rates of a step after an epoch's first, if they move by steps."""
        for callback in self._own_callbacks:
            if isinstance(callback, LearningRateSchedule) and self.model.compiled:  # not ended
                callback.on_train_batch_begin(step)

    def end_epoch(self, epoch: int, logs: dict[str, float], seconds: float) -> None:
        """Call the callbacks' `on_epoch_end`; a loss that is not finite ends the training.

        Args:
            epoch: counted from 0.
            logs: value by metric.
            seconds: wall-clock time of the cohort's epoch, validation included.
        """
        self.epoch_seconds.append(seconds)
        if not (math.isfinite(logs["loss"]) and math.isfinite(logs["val_loss"])):
            self.status = "diverged"
            self.model.stop_training = True
        self._callbacks.on_epoch_end(epoch, logs)
        self._logs = logs

    def is_over(self, epoch: int) -> bool:
        """Whether an epoch that has ended was the last."""
        return bool(self.model.stop_training) or epoch + 1 >= self.training.epochs

    def callback_state(self) -> list[dict[str, Any]]:
        """What each callback of the config carries to the next epoch, beside weights.

        Returns:
            A dict a callback, JSON-ready apart from NaN and infinities.

        Raises:
            ConfigError: there are further callbacks, whose state is not known.
        """
        if self._has_others:
            raise ConfigError(
                "the state of training can be saved with the callbacks of its config only: "
                "what further ones carry is not known. Train without them."
            )
        return [state_of(callback) for callback in self._own_callbacks]

    def best_weights(self) -> list[npt.NDArray[Any]]:
        """Weights of an earlier epoch that a callback keeps, or none."""
        return [w for c in self._own_callbacks if isinstance(c, BestWeights) for w in c.weights]

    def restore(
        self,
        callbacks: Sequence[Mapping[str, Any]],
        history: Mapping[str, Sequence[float]],
        epoch_seconds: Sequence[float],
        best_weights: Sequence[npt.NDArray[Any]],
    ) -> None:
        """Restore what the methods and attributes of these names gave, after `begin`."""
        self.epoch_seconds = array("d", epoch_seconds)
        self._history.restore(history, len(epoch_seconds))
        for callback, state in zip(self._own_callbacks, callbacks, strict=True):
            restore(callback, state)
            if isinstance(callback, BestWeights):
                callback.weights = best_weights

    def end(self) -> None:
        """Call the callbacks' `on_train_end`, which may restore earlier weights."""
        self._callbacks.on_train_end(self._logs)

    def result(self) -> TrainingResult:
        """The trained model and its history."""
        history = {name: values.tolist() for name, values in self.history.items()}
        return TrainingResult(
            model=self.model,
            status=self.status,
            history=history,
            best_epoch=best_epoch(history["val_macro_f1"]),
            epoch_seconds=self.epoch_seconds.tolist(),
        )


def _refuse_batch_hooks(callbacks: Sequence[keras.callbacks.Callback]) -> None:
    for callback in callbacks:
        if hook := batch_hook(callback):
            raise ConfigError(
                f"callbacks are called at the ends of epochs, as many trials train in one "
                f"computation. {type(callback).__name__} has {hook}: use on_epoch_begin or "
                "on_epoch_end instead."
            )
