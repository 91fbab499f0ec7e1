"""Optimizers that divide each gradient by the size of its past ones."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.base import TraceableOptimizer


class Adagrad(TraceableOptimizer):
    """Adagrad: each weight's rate falls with the sum s of its squared gradients.

    s += gradient^2; weight -= learning rate * gradient / (sqrt(s) + epsilon), after
    Duchi, Hazan & Singer, "Adaptive Subgradient Methods", 2011, as torch.optim.
    Keras divides by sqrt(s + epsilon) and begins with s = 0.1.
    """

    SLOTS = ("sum",)
    epsilon = 1e-10

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        slot = self.slot("sum", variable)
        total = slot.value + ops.square(gradient)
        self.assign(slot, total)
        self.assign_sub(variable, rate * (gradient / (ops.sqrt(total) + self.epsilon)))


class Adadelta(TraceableOptimizer, keras.optimizers.Adadelta):  # type: ignore[misc]
    """Keras's Adadelta, the same formula as torch.optim's, with torch.optim's defaults.

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.
    """

    def __init__(
        self, learning_rate: float, rho: float = 0.9, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, rho=rho, epsilon=epsilon, **kwargs)


class RMSprop(TraceableOptimizer):
    """RMSprop: each gradient is divided by the running root mean square of its past.

    v = rho * v + (1 - rho) * gradient^2;
    weight -= learning rate * gradient / (sqrt(v) + epsilon), after Tieleman & Hinton,
    "Lecture 6.5, COURSERA: Neural Networks for Machine Learning", 2012, as torch.optim.
    Keras divides by sqrt(v + epsilon): even with epsilon squared there, the divisor is
    29 % smaller where sqrt(v) is as small as epsilon.
    """

    SLOTS = ("velocity",)
    rho = 0.99
    epsilon = 1e-8

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        gradient = ops.cast(gradient, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        slot = self.slot("velocity", variable)
        velocity = slot.value * self.rho + ops.square(gradient) * (1 - self.rho)
        self.assign(slot, velocity)
        self.assign_sub(variable, rate * (gradient / (ops.sqrt(velocity) + self.epsilon)))
