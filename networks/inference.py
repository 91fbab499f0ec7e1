"""Outputs of a trained network for many rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import torch

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
    """A kept model, on the CPU. Code inside the file is refused, not run.

    Raises:
        ValueError, OSError: the file is no such model.
    """
    with keras.device("cpu"):
        return keras.saving.load_model(path, safe_mode=True, compile=False)
