"""The rows that a training reads, its result, and how its model is compiled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from networks.inference import ends_in_softmax
from networks.models.config import TrainingConfig
from networks.optimizers import make_optimizer

Status = Literal["finished", "diverged"]


@dataclass(frozen=True)
class LabelledRows:
    """Features and labels of one split.

    Args:
        features: [shape=(n, d)] or [shape=(n, frames, bands)]
        label: [shape=(n,)]
    """

    features: npt.NDArray[Any]
    label: npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainingResult:
    """A trained model and its history.

    Args:
        model: Keras model on the CPU, not compiled unless it was so before, with the weights
            of the last or of the best epoch, as `TrainingConfig.keep` says.
        status: "finished", or "diverged" where a loss was not finite.
        history: value of each metric at the end of each epoch.
        best_epoch: first epoch, counted from 1, with the highest validation macro-F1.
        epoch_seconds: wall-clock time of each epoch, validation included.
        notes: sentences about how it was trained, such as by a slower way.
    """

    model: keras.Model
    status: Status
    history: dict[str, list[float]]
    best_epoch: int
    epoch_seconds: list[float]
    notes: tuple[str, ...] = ()


def class_weights(
    training: TrainingConfig, label: npt.NDArray[np.int64], classes: int
) -> npt.NDArray[np.float64]:
    """Weights of the classes in the loss of train rows.

    Args:
        training: its `class_weights`.
        label: of the train rows. [shape=(n,)]
        classes: number of classes.

    Returns:
        Ones, or n / (classes x rows of the class). [shape=(classes,)]
    """
    if training.class_weights is None:
        return np.ones(classes)
    return len(label) / (classes * np.maximum(np.bincount(label, minlength=classes), 1))


def compile_model(model: keras.Model, training: TrainingConfig) -> keras.Model:
    """Compile a model with the optimizer of `training`, cross-entropy and accuracy."""
    model.compile(
        optimizer=make_optimizer(training),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=not ends_in_softmax(model)),
        metrics=["accuracy"],
    )
    return model


def undo_compile(model: keras.Model) -> None:
    """Forget the optimizer, whose state would be saved with the model."""
    model.optimizer = None
    model.compiled = False
    model.history = None


def best_epoch(val_macro_f1: Sequence[float]) -> int:
    """First epoch, counted from 1, with the highest validation macro-F1."""
    values = [-math.inf if math.isnan(value) else value for value in val_macro_f1]
    return int(np.argmax(values)) + 1
