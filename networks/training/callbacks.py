"""What happens at the end of each epoch, as Keras callbacks.

Keras's own callbacks stop early and reduce the learning rate; what they watch,
and the weights that are kept, need callbacks of ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.models.config import EarlyStoppingConfig, Monitor


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keep a true copy of the weights of the epoch with the best pooled validation
    macro-F1 and give it back at the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.best = -math.inf
        self._weights: list[npt.NDArray[Any]] | None = None

    @property
    def weights(self) -> list[npt.NDArray[Any]]:
        """The weights that are kept; none before the first epoch has ended."""
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
        """Give the best weights back."""
        if self._weights is not None:
            self.model.set_weights(self._weights)


class EachEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls a function with each epoch, counted from 1, and its logs."""

    def __init__(self, ended: Callable[[int, dict[str, float]], None]) -> None:
        super().__init__()
        self._ended = ended

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Pass it on."""
        self._ended(epoch + 1, dict(logs or {}))


# What these carry from one epoch to the next, beside weights. Others carry nothing.
_CARRIED: dict[type[keras.callbacks.Callback], tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "best", "best_epoch", "stopped_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.History: ("history", "epoch"),
    BestWeights: ("best",),
}


def state_of(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """What a callback carries from one epoch to the next."""
    return {name: getattr(callback, name) for name in _CARRIED.get(type(callback), ())}


def restore(callback: keras.callbacks.Callback, state: Mapping[str, Any]) -> None:
    """Give a callback that has seen training begin what `state_of` gave."""
    for name in _CARRIED.get(type(callback), ()):
        setattr(callback, name, state[name])


def early_stopping(config: EarlyStoppingConfig) -> keras.callbacks.EarlyStopping:
    """Keras's `EarlyStopping` as the config asks for it."""
    return keras.callbacks.EarlyStopping(
        monitor=config.monitor,
        mode=monitor_mode(config.monitor),
        patience=config.patience,
    )


def monitor_mode(monitor: Monitor) -> str:
    """Whether less ("min") or more ("max") of a log is better."""
    return "min" if monitor == "val_loss" else "max"
