"""Adam, and with a decoupled weight decay AdamW."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.adam_family import AdamFamily


class Adam(AdamFamily):
    """Adam: the running mean of the gradient over its running root mean square.

    weight -= learning rate * m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon):
    Algorithm 1 of Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015, as
    torch.optim. Keras adds epsilon before v's bias is corrected (the paper's "epsilon
    hat"): in the first step that is an epsilon 32 times as large.
    """

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        rate = ops.cast(learning_rate, dtype) / self._bias_1(dtype)
        momentum = self._next_momentum(gradient, variable)
        velocity = self._next_velocity(gradient, variable)
        divisor = ops.sqrt(velocity) / ops.sqrt(self._bias_2(dtype)) + self.epsilon
        self.assign_sub(variable, rate * (momentum / divisor))
