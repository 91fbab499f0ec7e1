"""RMSprop with epsilon outside the root."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.plain import PlainOptimizer


class RMSprop(PlainOptimizer):
    """RMSprop: each gradient is divided by the running root mean square of its past.

    v = rho * v + (1 - rho) * gradient^2;
    weight -= learning rate * gradient / (sqrt(v) + epsilon), after Tieleman & Hinton,
    "Lecture 6.5, COURSERA: Neural Networks for Machine Learning", 2012, as torch.optim.
    Keras divides by sqrt(v + epsilon): even with epsilon squared there, the divisor is
    29 % smaller where sqrt(v) is as small as epsilon.
    """

    def __init__(
        self, learning_rate: float, rho: float = 0.99, epsilon: float = 1e-8, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight, all zeros."""
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        slot = self._velocities[self._get_variable_index(variable)]
        velocity = slot.value * self.rho + ops.square(gradient) * (1 - self.rho)
        self.assign(slot, velocity)
        self.assign_sub(variable, rate * (gradient / (ops.sqrt(velocity) + self.epsilon)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such an optimizer."""
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
