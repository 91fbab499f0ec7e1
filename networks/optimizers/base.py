"""What all our optimizers share: steps that can be traced, and weight decay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import torch
from keras import ops


def _is_on(decay: Any) -> bool:
    # While a step is traced a decay may be a tensor, whose value nothing may ask for.
    return isinstance(decay, torch.Tensor) or bool(decay)


class TraceableOptimizer(keras.optimizers.Optimizer):  # type: ignore[misc]
    """An optimizer written in plain tensor operations, with both weight decays.

    Keras swaps its own optimizers on torch for versions with in-place `_foreach_`
    calls and reads of single values, which `torch.func.vmap` and `make_fx` refuse.
    It leaves subclasses alone, so each optimizer here is one, and no `update_step`
    branches on a value.

    Args:
        learning_rate: base rate.
        l2: L2 weight decay; `l2` times the weight is added to each gradient, as
            `weight_decay` of torch.optim.Adam does. Not a Keras regularizer: those
            enter the reported loss.
        weight_decay: decoupled weight decay (Loshchilov & Hutter, "Decoupled Weight
            Decay Regularization", 2019): before each step the weights are multiplied
            by 1 - current learning rate * `weight_decay`. None means no decay.
        kwargs: of `keras.optimizers.Optimizer`.

    Attributes:
        SLOTS: names of the state that a class keeps of each weight.
        slots: that state by name, a variable for each weight, of its shape; zeros at first.

    Both decays reach every trainable weight that has a gradient, the biases and
    the batch norm's too.
    """

    SLOTS: tuple[str, ...] = ()

    def __init__(self, learning_rate: float, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.l2: Any = l2
        self._stateless = False  # whether a step is being traced
        self.slots: dict[str, list[keras.Variable]] = {}

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight, all zeros."""
        if not self.built:
            super().build(variables)
            made = self.add_optimizer_variables(variables, self.SLOTS)
            self.slots = dict(zip(self.SLOTS, made, strict=True))

    def slot(self, name: str, variable: keras.Variable) -> keras.Variable:
        """The state of a weight of this name."""
        return self.slots[name][self._get_variable_index(variable)]

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[keras.Variable] | None = None
    ) -> None:
        """Update the weights once.

        Args:
            grads: one gradient per weight, of its shape; None leaves that weight be.
            trainable_variables: the weights; None means those the optimizer was
                built on.
        """
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
        if _is_on(self.l2):
            weights = trainable_variables or self._trainable_variables
            grads = [
                None if gradient is None else gradient + self.l2 * weight.value
                for gradient, weight in zip(grads, weights, strict=True)
            ]
        super().apply(grads, trainable_variables)

    def stateless_apply(self, *arguments: Any, **named: Any) -> Any:
        """Update given values instead of the optimizer's own, as Keras describes it."""
        self._stateless = True
        try:
            return super().stateless_apply(*arguments, **named)
        finally:
            self._stateless = False

    def _apply_weight_decay(self, variables: Iterable[keras.Variable]) -> None:
        # In the place of Keras's, which changes the weights by `_foreach_mul_`.
        if not _is_on(self.weight_decay):
            return
        for variable in variables:
            rate = ops.cast(self.learning_rate, variable.dtype)
            self.assign(variable, variable.value * (1 - rate * self.weight_decay))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such an optimizer."""
        return {**super().get_config(), "l2": self.l2}
