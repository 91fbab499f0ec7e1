"""Outputs of a trained network for many rows."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import torch

from networks.models.checks import ConfigError
from networks.safe_loading import refusal, unpack

_ROWS_AT_ONCE = 256


def logits_of(model: keras.Model, features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Logits of every row, computed in inference mode in a few large batches.

    Args:
        model: maps (n, ...) to logits (n, classes).
        features: [shape=(n, ...)]

    Returns:
        [shape=(n, classes)]
    """
    parts = []
    with torch.no_grad():
        for begin in range(0, len(features), _ROWS_AT_ONCE):
            rows = features[begin : begin + _ROWS_AT_ONCE].astype(np.float32)
            parts.append(keras.ops.convert_to_numpy(model(rows, training=False)))
    return np.concatenate(parts)


def probabilities_of(model: keras.Model, features: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Softmax of `logits_of` on the CPU, where kept models live. [shape=(n, classes)]"""
    with keras.device("cpu"):
        logits = logits_of(model, features).astype(np.float64)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def load_model(path: Path) -> keras.Model:
    """A kept model, on the CPU, from a file that may come from anybody.

    The file is vetted before Keras reads it (see `networks.safe_loading`): it names no other
    classes than our networks', announces no more than it stores and leads to no other file.

    Raises:
        ConfigError: there is no such file, or it is none that our networks are saved in.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="genre-tui-") as folder, keras.device("cpu"):
            unpack(path, Path(folder))
            return keras.saving.load_model(folder, safe_mode=True, compile=False)
    except ConfigError:
        raise
    except Exception as error:  # of any kind, from anywhere in Keras
        raise refusal(path, error) from error
