"""Training through `keras.Model.fit`: the reference of the traced engine, and its fallback."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.backend import keras_defaults
from networks.inference import logits_of
from networks.models.config import TrainingConfig
from networks.training import metrics
from networks.training.callbacks import config_callbacks
from networks.training.random_streams import row_order
from networks.training.results import (
    LabelledRows,
    TrainingResult,
    best_epoch,
    class_weights,
    compile_model,
    undo_compile,
)


@keras_defaults()
def fit_with_keras(
    model: keras.Model,
    training: TrainingConfig,
    seed: int,
    train_rows: LabelledRows,
    validation_rows: LabelledRows,
    classes: int,
    *,
    device: str = "cpu",
    on_epoch: Callable[[int, float, dict[str, float], npt.NDArray[np.int64]], bool] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> TrainingResult:
    """Train a model, in place, through `keras.Model.fit`.

    The order of the rows depends on the seed alone; validation changes nothing in training.

    Args:
        model: on the CPU. If it is compiled, its own optimizer and loss train it.
        training: how to train it.
        seed: of the order of the rows.
        train_rows, validation_rows: raw features and labels.
        classes: number of genres.
        device: "cpu" or "cuda".
        on_epoch: called with the number of each epoch that ended, counted from 1, its seconds,
            its logs and the confusion matrix of the validation rows; True ends the training.
        callbacks: further Keras callbacks, called after those of the config.

    Returns:
        The model, on the CPU, and its history.
    """
    with keras.device(device):
        was_compiled = model.compiled
        if device != "cpu":
            model.to(device)
        if not was_compiled:
            compile_model(model, training)
        batches = _ShuffledBatches(train_rows, training.batch_size, seed)
        validation = _EpochMetrics(validation_rows.features, validation_rows.label, classes)
        clock = _Clock(validation, on_epoch or (lambda *_: False))
        own = [_EpochOrder(batches), validation]
        own += config_callbacks(training, batches.num_batches)
        weights = class_weights(training, train_rows.label, classes).tolist()
        try:
            history = model.fit(
                batches,
                epochs=training.epochs,
                shuffle=False,  # the batches shuffle themselves
                verbose=0,
                class_weight=dict(enumerate(weights)) if training.class_weights else None,
                callbacks=[*own, *callbacks, clock],
            ).history
        finally:
            if device != "cpu":
                model.to("cpu")
            if not was_compiled:
                undo_compile(model)
    return TrainingResult(
        model=model,
        status="diverged" if validation.diverged else "finished",
        history={name: [float(value) for value in values] for name, values in history.items()},
        best_epoch=best_epoch(history["val_macro_f1"]),
        epoch_seconds=clock.seconds,
    )


class _EpochMetrics(keras.callbacks.Callback):  # type: ignore[misc]
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
        self.confusion = np.zeros((classes, classes), np.int64)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Fill `logs`."""
        assert logs is not None
        logits = logits_of(self.model, self._features)
        predicted = logits.argmax(axis=1)
        self.confusion = metrics.confusion_matrix(self._label, predicted, self._classes)
        logs["val_loss"] = float(metrics.cross_entropy(logits, self._label))
        logs["val_accuracy"] = metrics.accuracy(self.confusion)
        logs["val_macro_f1"] = metrics.macro_f1(self.confusion)
        logs["val_batch_mean_f1"] = metrics.batch_mean_f1(self._label, predicted)
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        if not (math.isfinite(logs["loss"]) and math.isfinite(logs["val_loss"])):
            self.diverged = True
            self.model.stop_training = True


class _ShuffledBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """The train rows in batches, in the order of the epoch that `epoch` names."""

    def __init__(self, rows: LabelledRows, batch_size: int, seed: int) -> None:
        super().__init__()
        self._features = rows.features.astype(np.float32)
        self._label = rows.label
        self._batch_size, self._seed = batch_size, seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        self._order = row_order(self._seed, epoch, len(self._label))

    def __len__(self) -> int:
        return -(-len(self._label) // self._batch_size)

    def __getitem__(self, number: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        rows = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        return self._features[rows], self._label[rows]


class _EpochOrder(keras.callbacks.Callback):  # type: ignore[misc]
    """Reorders the batches as each epoch begins."""

    def __init__(self, batches: _ShuffledBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches.start_epoch(epoch)


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures each epoch and reports it."""

    def __init__(self, validation: _EpochMetrics, on_epoch: Callable[..., bool]) -> None:
        super().__init__()
        self._validation, self._on_epoch = validation, on_epoch
        self.seconds: list[float] = []
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._began)
        values = {name: float(value) for name, value in (logs or {}).items()}
        if self._on_epoch(epoch + 1, self.seconds[-1], values, self._validation.confusion):
            self.model.stop_training = True
