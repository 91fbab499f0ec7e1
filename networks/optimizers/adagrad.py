"""Adagrad with epsilon outside the root."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.plain import PlainOptimizer


class Adagrad(PlainOptimizer):
    """Adagrad: each weight's rate falls with the sum s of its squared gradients.

    s += gradient^2; weight -= learning rate * gradient / (sqrt(s) + epsilon), after
    Duchi, Hazan & Singer, "Adaptive Subgradient Methods", 2011, as torch.optim.
    Keras divides by sqrt(s + epsilon) and begins with s = 0.1.
    """

    def __init__(self, learning_rate: float, epsilon: float = 1e-10, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight, all zeros."""
        if self.built:
            return
        super().build(variables)
        self._sums = self.add_optimizer_variables(variables, "sum")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        slot = self._sums[self._get_variable_index(variable)]
        total = slot.value + ops.square(gradient)
        self.assign(slot, total)
        self.assign_sub(variable, rate * (gradient / (ops.sqrt(total) + self.epsilon)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such an optimizer."""
        return {**super().get_config(), "epsilon": self.epsilon}
