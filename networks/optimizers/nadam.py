"""NAdam with torch.optim's momentum schedule."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.adam_family import AdamFamily


class NAdam(AdamFamily):
    """NAdam: Adam with Nesterov's look ahead, its momentum warming up.

    With mu_t = beta_1 * (1 - 0.96^(t * momentum_decay) / 2) and p_t = mu_1 * ... * mu_t:
    weight -= learning rate / (sqrt(v / (1 - beta_2^t)) + epsilon)
    * ((1 - mu_t) / (1 - p_t) * gradient + mu_{t+1} / (1 - p_{t+1}) * m), after Dozat,
    "Incorporating Nesterov Momentum into Adam", 2016, as torch.optim. Keras's Nadam
    has a momentum_decay of 1, so its momentum is warm 250 times as soon.
    """

    def __init__(self, learning_rate: float, momentum_decay: float = 0.004, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum_decay = momentum_decay

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight: zeros, but ones for the momentum products."""
        if self.built:
            return
        super().build(variables)
        self._products = [
            self.add_variable((), initializer="ones", dtype=variable.dtype, name="product")
            for variable in variables
        ]

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        rate = ops.cast(learning_rate, dtype)
        momentum = self._next_momentum(gradient, variable)
        velocity = self._next_velocity(gradient, variable)
        step = self._step(dtype)
        mu, next_mu = self._mu(step), self._mu(step + 1)
        slot = self._products[self._get_variable_index(variable)]
        product = slot.value * mu
        self.assign(slot, product)
        ahead = gradient * ((1 - mu) / (1 - product)) + momentum * (
            next_mu / (1 - product * next_mu)
        )
        divisor = ops.sqrt(velocity / self._bias_2(dtype)) + self.epsilon
        self.assign_sub(variable, rate * (ahead / divisor))

    def _mu(self, step: Any) -> Any:
        beta_1 = ops.cast(self.beta_1, step.dtype)
        return beta_1 * (1 - 0.5 * 0.96 ** (step * self.momentum_decay))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such an optimizer."""
        return {**super().get_config(), "momentum_decay": self.momentum_decay}
