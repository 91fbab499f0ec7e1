"""What happens at the end of each epoch, as Keras callbacks.

Keras's own callbacks stop early and reduce the learning rate; what they watch,
and the weights that are kept, need callbacks of ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks import metrics
from networks.config import EarlyStoppingConfig, Monitor
from networks.inference import logits_of


class EpochMetrics(keras.callbacks.Callback):  # type: ignore[misc]
    """Add pooled validation metrics and the learning rate to each epoch's logs.

    It must come before callbacks that read `val_...`. A loss that is not finite
    ends the training.

    Args:
        features: validation inputs. [shape=(n, ...)]
        label: validation classes. [shape=(n,)]
        classes: number of classes.
    """

    def __init__(
        self, features: npt.NDArray[Any], label: npt.NDArray[np.int64], classes: int
    ) -> None:
        super().__init__()
        self._features, self._label, self._classes = features, label, classes
        self.diverged = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Fill `logs`."""
        assert logs is not None
        logits = logits_of(self.model, self._features)
        predicted = logits.argmax(axis=1)
        confusion = metrics.confusion_matrix(self._label, predicted, self._classes)
        logs["val_loss"] = float(cross_entropy(logits, self._label))
        logs["val_accuracy"] = metrics.accuracy(confusion)
        logs["val_macro_f1"] = metrics.macro_f1(confusion)
        logs["val_batch_mean_f1"] = metrics.batch_mean_f1(self._label, predicted)
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        if not (math.isfinite(logs["loss"]) and math.isfinite(logs["val_loss"])):
            self.diverged = True
            self.model.stop_training = True


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keep a true copy of the weights of the epoch with the best pooled validation
    macro-F1 and give it back at the end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._best = -math.inf
        self._weights: list[npt.NDArray[Any]] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Copy the weights if they are the best so far."""
        value = (logs or {})["val_macro_f1"]
        if value > self._best:
            self._best = value
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


def cross_entropy(
    logits: npt.NDArray[np.float32], label: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Mean cross-entropy in nats; not finite where the logits are not.

    Args:
        logits: [shape=(..., n, classes)]
        label: [shape=(n,)]

    Returns:
        [shape=(...)]
    """
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = logits - logits.max(axis=-1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=-1))
    of_label = np.take_along_axis(shifted, np.broadcast_to(label, log_total.shape)[..., None], -1)
    return np.asarray((log_total - of_label[..., 0]).mean(axis=-1, dtype=np.float64))
