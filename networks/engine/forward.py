"""What a step computes: the Keras model's outputs, its loss and the gradients.

Functions of one member's tensors; `tracing` makes them functions of a cohort's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import keras
import torch

from networks.chance import kept

Tensor = torch.Tensor
Precision = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True)
class DropoutInputs:
    """What dropout is drawn from in one step.

    Args:
        keys: int32 [shape=(layers, 2)]
        rows_before: rows of the epoch before this batch. int32 [shape=()]
        threshold: int32 [shape=()]
        scale: 1 / (1 - rate). [shape=()]
    """

    keys: Tensor
    rows_before: Tensor
    threshold: Tensor
    scale: Tensor


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
    alone: bool,
) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
    """Gradients of the mean cross-entropy of a batch.

    Args:
        model: whose structure is used.
        trainable, others: values of its trainable and its other variables.
        x: inputs. [shape=(n, ...)]
        target: one-hot classes. [shape=(n, classes)]
        scale: what the gradients are multiplied by. [shape=()]
        dropout: what is dropped.
        precision: of the products.
        alone: the tensors are those of a cohort of one, not one lane of many.

    Returns:
        gradients times `scale`; new values of `others`; mean loss [shape=()];
        number of right predictions [shape=()].
    """

    def outputs(values: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        with _as_traced(model, dropout, alone), _cast(precision, x.device):
            logits, changed = model.stateless_call(values, others, x, training=True)
        return logits.float(), changed

    logits, backward, changed = torch.func.vjp(outputs, list(trainable), has_aux=True)
    # Classes first: the softmax of a handful of numbers next to each other is slow.
    logits, target = logits.mT.contiguous(), target.mT.contiguous()
    logarithms = torch.log_softmax(logits, 0)
    loss = -(logarithms * target).sum() / x.shape[0]
    right = target.gather(0, logits.max(0, keepdim=True).indices).sum().long()
    (gradients,) = backward(((logarithms.exp() - target) * (scale / x.shape[0])).mT)
    return gradients, changed, loss, right


def logits_of_rows(
    model: keras.Model,
    trainable: Sequence[Tensor],
    others: Sequence[Tensor],
    x: Tensor,
    precision: Precision,
    *,
    alone: bool,
) -> Tensor:
    """Outputs in inference mode. `x`: [shape=(n, ...)]; returns [shape=(n, classes)]"""
    with _as_traced(model, None, alone), _cast(precision, x.device):
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
def _as_traced(
    model: keras.Model, dropout: DropoutInputs | None, alone: bool
) -> Iterator[None]:
    """Let some layers compute in another way while a step is traced.

    Dropout: Keras draws from a state that moves with every call, which could be
    neither traced nor the same in every company. Convolutions of a network alone:
    their outputs go on with the channels last in memory, where pooling, and what
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
            if alone and isinstance(layer, keras.layers.Conv2D):
                change(layer, _channels_last(layer.call))
        yield
    finally:
        for layer in changed:
            del layer.call


def _dropping(dropout: DropoutInputs, number: int) -> Callable[..., Tensor]:
    def call(inputs: Tensor, training: bool = False) -> Tensor:
        mask = kept(
            dropout.keys[number], dropout.rows_before, dropout.threshold, tuple(inputs.shape)
        )
        return inputs * (mask * dropout.scale).to(inputs.dtype)

    return call


def _channels_last(call: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def convolve(inputs: Tensor) -> Tensor:
        return call(inputs).contiguous(memory_format=torch.channels_last)

    return convolve
