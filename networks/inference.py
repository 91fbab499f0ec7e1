"""Outputs of a trained network for many rows."""

from __future__ import annotations

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
    """Softmax of `logits_of`. [shape=(n, classes)]"""
    logits = logits_of(model, features).astype(np.float64)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
