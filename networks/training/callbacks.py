"""Keras callbacks of a training: the kept weights, early stopping, and their state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.models.config import TrainingConfig
from networks.training.schedules import monitor_mode, schedule_callbacks

_BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Copies the weights of the epoch with the best pooled validation macro-F1 and restores
    them when training ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self.best = -math.inf
        self._weights: list[npt.NDArray[Any]] | None = None

    @property
    def weights(self) -> list[npt.NDArray[Any]]:
        """The copied weights; none before the first epoch has ended."""
        return self._weights or []

    @weights.setter
    def weights(self, weights: Sequence[npt.NDArray[Any]]) -> None:
        self._weights = list(weights) or None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Copy the weights if they are the best so far."""
        value = (logs or {})["val_macro_f1"]
        if value > self.best:
            self.best = value
            self._weights = [np.array(weights) for weights in self.model.get_weights()]

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the best weights."""
        if self._weights is not None:
            self.model.set_weights(self._weights)


# What these carry from one epoch to the next, beside weights. Others carry nothing.
_STATE: dict[type[keras.callbacks.Callback], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    BestWeights: ("best",),
}


def state_of(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """The attributes that a callback carries from one epoch to the next."""
    return {name: getattr(callback, name) for name in _STATE.get(type(callback), ())}


def restore(callback: keras.callbacks.Callback, state: Mapping[str, Any]) -> None:
    """Set what `state_of` gave on a callback whose `on_train_begin` has been called."""
    for name in _STATE.get(type(callback), ()):
        setattr(callback, name, state[name])


def batch_hook(callback: keras.callbacks.Callback) -> str | None:
    """Name of a method that Keras calls for every batch and that a callback overrides."""
    for name in _BATCH_HOOKS:
        # An attribute of the instance, as LambdaCallback sets it, is no method.
        method = getattr(getattr(callback, name), "__func__", None)
        if method is not getattr(keras.callbacks.Callback, name):
            return name
    return None


def config_callbacks(
    training: TrainingConfig, steps_per_epoch: int
) -> list[keras.callbacks.Callback]:
    """The callbacks that a config asks for: of its schedule, early stopping, the kept weights."""
    made = schedule_callbacks(training, steps_per_epoch)
    if stopping := training.early_stopping:
        mode = monitor_mode(stopping.monitor)
        made.append(
            keras.callbacks.EarlyStopping(stopping.monitor, mode=mode, patience=stopping.patience)
        )
    if training.keep == "best":
        made.append(BestWeights())
    return made
