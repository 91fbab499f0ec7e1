"""Outputs, loss and gradients of a Keras model, as functions of tensors.

They compute one trial; `graph` maps them over a cohort.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import torch

from networks.training.cohort_key import Precision
from networks.training.random_streams import dropout_keys, dropout_mask, dropout_threshold

Tensor = torch.Tensor
_log_softmax_backward = torch.ops.aten._log_softmax_backward_data.default


@dataclass(frozen=True)
class DropoutInputs:
    """The inputs that the dropout masks of one step are hashed from.

    Those of a cohort have a further first axis of trials, but for `rows_before`.

    Args:
        keys: see `dropout_keys`. int32 [shape=(layers, 2)]
        rows_before: rows of the epoch before this batch. int32 [shape=()]
        threshold: see `dropout_threshold`. int32 [shape=()]
        scale: 1 / (1 - rate). [shape=()]
    """

    keys: Tensor
    rows_before: Tensor
    threshold: Tensor
    scale: Tensor

    @classmethod
    def of_cohort(cls, rates: Sequence[float], layers: int, device: str) -> DropoutInputs:
        """Those of trials with these rates of dropout; `begin_epoch` sets the keys."""
        thresholds = [dropout_threshold(rate) for rate in rates]
        scales = [1.0 / (1.0 - rate) for rate in rates]
        return cls(
            keys=torch.zeros((len(rates), layers, 2), dtype=torch.int32, device=device),
            rows_before=torch.zeros((), dtype=torch.int32, device=device),
            threshold=torch.tensor(thresholds, dtype=torch.int32, device=device),
            scale=torch.tensor(scales, dtype=torch.float32, device=device),
        )

    def begin_epoch(self, seeds: Sequence[int], epoch: int) -> None:
        """Set the keys of a cohort's trials, of these seeds, in an epoch."""
        layers = self.keys.shape[1]
        keys = np.stack([dropout_keys(seed, epoch, layers) for seed in seeds])
        self.keys.copy_(torch.from_numpy(keys))
        self.rows_before.zero_()


def gradients_of(
    model: keras.Model,
    trainable: Sequence[Tensor],
    others: Sequence[Tensor],
    x: Tensor,
    target: Tensor,
    scale: Tensor,
    dropout: DropoutInputs,
    precision: Precision,
    *,
    single: bool,
) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Gradients of the cross-entropy of a batch.

    Classes come first in `target` and in what is returned: the softmax of a handful
    of numbers next to each other in memory is slow.

    Args:
        model: whose structure is used.
        trainable, others: values of its trainable and its other variables.
        x: inputs. [shape=(n, ...)]
        target: one-hot classes, times their weights. [shape=(classes, n)]
        scale: minus the weight of each row's cross-entropy. [shape=(1, 1)]
        dropout: inputs of dropout masks.
        precision: of products.
        single: the cohort has one trial, whose tensors have no axis of trials.

    Returns:
        gradients of the rows' weighted cross-entropies; new values of `others`;
        log_probabilities of the classes' probabilities [shape=(classes, n)].
    """

    def outputs(values: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        with _as_traced(model, dropout, single), _cast(precision, x.device):
            logits, changed = model.stateless_call(values, others, x, training=True)
        return logits.float(), changed

    found: Any = torch.func.vjp(outputs, list(trainable), has_aux=True)
    logits, backward, changed = found
    log_probabilities = torch.log_softmax(logits.mT.contiguous(), 0)
    (gradients,) = backward(
        _log_softmax_backward(target * scale, log_probabilities, 0, torch.float32).mT
    )
    return gradients, changed, log_probabilities


def logits_of_rows(
    model: keras.Model,
    trainable: Sequence[Tensor],
    others: Sequence[Tensor],
    x: Tensor,
    precision: Precision,
    *,
    single: bool,
) -> Tensor:
    """Outputs in inference mode. `x`: [shape=(n, ...)]; returns [shape=(n, classes)]"""
    with _as_traced(model, None, single), _cast(precision, x.device):
        logits, _ = model.stateless_call(trainable, others, x, training=False)
    return logits.float()  # type: ignore[no-any-return]


def dropout_layers(model: keras.Model) -> list[keras.layers.Dropout]:
    """The dropout layers of a model, in the order of their keys."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]


def _cast(precision: Precision, device: torch.device) -> Any:
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
    return nullcontext()


@contextmanager
def _as_traced(model: keras.Model, dropout: DropoutInputs | None, single: bool) -> Iterator[None]:
    """Replace the call of some layers while a step is traced.

    Dropout: Keras draws from a state that changes with every call, which cannot be
    traced, and would make a trial depend on its cohort. Convolutions of a single trial:
    their outputs continue with the channels last in memory, where pooling, and what
    follows, is faster.
    """
    changed: list[keras.layers.Layer] = []

    def change(layer: keras.layers.Layer, call: Callable[..., Any]) -> None:
        layer.call = call
        changed.append(layer)

    try:
        if dropout is not None:
            for number, layer in enumerate(dropout_layers(model)):
                change(layer, _dropping(dropout, number))
        for layer in model.layers:
            if single and isinstance(layer, keras.layers.Conv2D):
                change(layer, _channels_last(layer.call))
        yield
    finally:
        for layer in changed:
            del layer.call


def _dropping(dropout: DropoutInputs, number: int) -> Callable[..., Tensor]:
    def call(inputs: Tensor, training: bool = False) -> Tensor:
        mask = dropout_mask(
            dropout.keys[number], dropout.rows_before, dropout.threshold, tuple(inputs.shape)
        )
        return inputs * (mask * dropout.scale).to(inputs.dtype)

    return call


def _channels_last(call: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def convolve(inputs: Tensor) -> Tensor:
        return call(inputs).contiguous(memory_format=torch.channels_last)

    return convolve
