"""Adamax with epsilon inside the maximum."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.adam_family import AdamFamily


class Adamax(AdamFamily):
    """Adamax: Adam with the decayed largest gradient u in the place of sqrt(v).

    u = max(beta_2 * u, |gradient| + epsilon);
    weight -= learning rate / (1 - beta_1^t) * m / u, after section 7.1 of Kingma & Ba,
    "Adam: A Method for Stochastic Optimization", 2015, as torch.optim. Keras adds
    epsilon to u at the division. The velocity slot holds u.
    """

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        rate = ops.cast(learning_rate, dtype) / self._bias_1(dtype)
        momentum = self._next_momentum(gradient, variable)
        slot = self._velocities[self._get_variable_index(variable)]
        largest = ops.maximum(slot.value * self.beta_2, ops.abs(gradient) + self.epsilon)
        self.assign(slot, largest)
        self.assign_sub(variable, rate * (momentum / largest))
