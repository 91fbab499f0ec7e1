"""What a training takes and what it leaves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from networks.models.config import TrainingConfig
from networks.optimizers import make_optimizer

Status = Literal["finished", "diverged"]


@dataclass(frozen=True)
class LabelledRows:
    """Inputs and classes of one split.

    Args:
        features: [shape=(n, 26)] or [shape=(n, 21, 128)]
        label: [shape=(n,)]
    """

    features: npt.NDArray[Any]
    label: npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainingResult:
    """What a training leaves.

    Args:
        model: with the weights to keep, on the CPU, not compiled.
        status: "diverged" where a loss was not finite.
        history: a value an epoch of each metric.
        best_epoch: first epoch, counted from 1, with the highest validation
            macro-F1.
        epoch_seconds: wall-clock time of each epoch, validation included.
    """

    model: keras.Model
    status: Status
    history: dict[str, list[float]]
    best_epoch: int
    epoch_seconds: list[float]


def compile_model(model: keras.Model, training: TrainingConfig) -> keras.Model:
    """The model with the optimizer, loss and metric that `training` asks for."""
    model.compile(
        optimizer=make_optimizer(training),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def best_epoch(val_macro_f1: Sequence[float]) -> int:
    """First epoch, counted from 1, with the highest validation macro-F1."""
    values = [-math.inf if math.isnan(value) else value for value in val_macro_f1]
    return int(np.argmax(values)) + 1
