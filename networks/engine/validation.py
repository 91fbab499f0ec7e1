"""Outputs of all trials on the validation rows."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import torch

from networks.engine.forward import logits_of_rows
from networks.engine.graph import bind, trace
from networks.engine.stacked_variables import StackedVariables
from networks.training.cohort_key import Precision

_FEWEST_ROWS, _MOST_ROWS = 16, 1024  # a batch
# Numbers that all trials together read of a batch: what a core's caches hold, and
# some GB of outputs on a GPU.
_NUMBERS = {"cpu": 2**17, "cuda": 2**23}


class ValidationPass:
    """Computes logits in inference mode, for all trials, in few large batches.

    Args:
        model: of one trial, whose structure is traced.
        weights, others: trainable and other variables of the trials.
        features: on the device. [shape=(n, ...)]
        precision: of the products.
    """

    def __init__(
        self,
        model: keras.Model,
        weights: StackedVariables,
        others: StackedVariables,
        features: torch.Tensor,
        precision: Precision,
    ) -> None:
        single = weights.is_single
        self._single, self._rows = single, len(features)
        at_once = min(_rows_at_once(features, len(weights.values[0])), self._rows)
        # Outputs of a row do not depend on the others, so any rows can fill up the last batch.
        missing = -self._rows % at_once
        self._batches = torch.split(torch.cat([features, features[:missing]]), at_once)

        def logits(weights, others, x):  # type: ignore[no-untyped-def]
            return logits_of_rows(model, weights, others, x, precision, single=single)

        inputs = (weights.views(), others.views(), self._batches[0])
        with torch.no_grad():
            graph, leaves = trace(logits, inputs, (0, 0, None), single=single)
        self._run = bind(graph, [*leaves[:-1], None])

    def logits(self) -> npt.NDArray[np.float32]:
        """Logits of every row. [shape=(trials, n, classes)]"""
        with torch.no_grad():
            parts = [self._run(batch)[0] for batch in self._batches]
        logits = torch.cat(parts, dim=-2)[..., : self._rows, :]
        return np.asarray((logits[None] if self._single else logits).cpu().numpy())


def _rows_at_once(features: torch.Tensor, trials: int) -> int:
    rows = _NUMBERS[features.device.type] // (trials * features[0].numel())
    return min(max(rows, _FEWEST_ROWS), _MOST_ROWS)
