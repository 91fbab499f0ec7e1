"""A training through `keras.Model.fit`: the reference that our engine is held to."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.inference import logits_of
from networks.models.build import build_model
from networks.models.config import NetworkConfig, TrainingConfig
from networks.training import metrics
from networks.training.callbacks import BestWeights, EachEpoch, early_stopping
from networks.training.random_streams import row_order
from networks.training.results import LabelledRows, TrainingResult, best_epoch, compile_model
from networks.training.schedules import schedule_callbacks


def fit(
    network: NetworkConfig,
    training: TrainingConfig,
    seed: int,
    train_rows: LabelledRows,
    validation_rows: LabelledRows,
    classes: int,
    *,
    device: str = "cpu",
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> TrainingResult:
    """Train one network.

    The initial weights, the order of the rows and dropout depend on the seed
    alone; validation and callbacks change nothing in training.

    Args:
        network: what to train.
        training: how.
        seed: of everything that is left to chance.
        train_rows, validation_rows: raw features and labels.
        classes: number of genres.
        device: "cpu" or "cuda".
        on_epoch: called with each epoch that ended, counted from 1, and its logs.
        callbacks: further Keras callbacks, called after ours.
    """
    with keras.device("cpu"):  # the same initial weights whatever the device
        saved = build_model(network, classes, seed, train_rows.features)
    with keras.device(device):
        model = build_model(network, classes, seed)
        model.set_weights(saved.get_weights())
        compile_model(model, training)
        batches = _ShuffledBatches(train_rows, training.batch_size, seed)
        validation = _EpochMetrics(validation_rows.features, validation_rows.label, classes)
        clock = _Clock()
        ours = [
            _EpochOrder(batches),
            validation,
            *schedule_callbacks(training, batches.num_batches),
        ]
        if training.early_stopping is not None:
            ours.append(early_stopping(training.early_stopping))
        if training.keep == "best":
            ours.append(BestWeights())
        if on_epoch is not None:
            ours.append(EachEpoch(on_epoch))
        history = model.fit(
            batches,
            epochs=training.epochs,
            shuffle=False,  # the batches shuffle themselves
            verbose=0,
            callbacks=[*ours, *callbacks, clock],
        ).history
        saved.set_weights(model.get_weights())
    return TrainingResult(
        model=saved,
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

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Fill `logs`."""
        assert logs is not None
        logits = logits_of(self.model, self._features)
        predicted = logits.argmax(axis=1)
        confusion = metrics.confusion_matrix(self._label, predicted, self._classes)
        logs["val_loss"] = float(metrics.cross_entropy(logits, self._label))
        logs["val_accuracy"] = metrics.accuracy(confusion)
        logs["val_macro_f1"] = metrics.macro_f1(confusion)
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
    """Tells the batches which epoch begins."""

    def __init__(self, batches: _ShuffledBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches.start_epoch(epoch)


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []
        self._began = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds.append(time.perf_counter() - self._began)
