"""RAdam, which Keras does not have."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.adam_family import AdamFamily


class RAdam(AdamFamily):
    """RAdam: Adam whose adaptive rate waits until v rests on enough gradients.

    rho_t = rho_inf - 2 t beta_2^t / (1 - beta_2^t), rho_inf = 2 / (1 - beta_2) - 1. While
    rho_t <= 5 (the first five steps): weight -= learning rate * m / (1 - beta_1^t).
    After that times r_t * sqrt(1 - beta_2^t) / (sqrt(v) + epsilon), with
    r_t^2 = (rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t), after
    Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2020, as
    torch.optim. Needs a device with float64.
    """

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        rate = ops.cast(learning_rate, dtype) / self._bias_1(dtype)
        momentum = self._next_momentum(gradient, variable)
        velocity = self._next_velocity(gradient, variable)
        is_adaptive, scale = self._rectification()
        adaptive = ops.cast(scale, dtype) / (ops.sqrt(velocity) + self.epsilon)
        self.assign_sub(variable, rate * ops.where(is_adaptive, momentum * adaptive, momentum))

    def _rectification(self) -> tuple[Any, Any]:
        """Whether rho_t > 5, and r_t * sqrt(1 - beta_2^t) for then."""
        # In float64: in float32 rho_6, near 6, would be a difference of two numbers
        # near 2000 and leave r_6 three right digits.
        step = self._step("float64")
        power = self.beta_2**step
        limit = 2 / (1 - self.beta_2) - 1
        length = limit - 2 * step * power / (1 - power)
        is_adaptive = length > 5
        length = ops.where(is_adaptive, length, 6.0)  # no root of a negative number
        squared = (length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)
        return is_adaptive, ops.sqrt(squared * (1 - power))
