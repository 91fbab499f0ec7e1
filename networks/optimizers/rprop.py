"""Resilient backpropagation, which Keras does not have."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.plain import PlainOptimizer


class Rprop(PlainOptimizer):
    """Rprop: each weight has a step size of its own and only the gradient's sign counts.

    The size grows by `growth` while the sign stays and shrinks by `shrinkage` when it
    turns; the step at a turn is left out. Riedmiller & Braun, "A Direct Adaptive Method
    for Faster Backpropagation Learning: The RPROP Algorithm", 1993, in torch.optim's
    variant, iRprop- of Igel & Huesken, 2000. The learning rate is the first step size;
    later changes of it do nothing.

    Args:
        learning_rate: first step size.
        shrinkage, growth: torch.optim's `etas`.
        smallest, largest: limits of the step size, torch.optim's `step_sizes`.
        kwargs: of `PlainOptimizer`.
    """

    def __init__(
        self,
        learning_rate: float,
        shrinkage: float = 0.5,
        growth: float = 1.2,
        smallest: float = 1e-6,
        largest: float = 50.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.shrinkage = shrinkage
        self.growth = growth
        self.smallest = smallest
        self.largest = largest

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight, all zeros."""
        if self.built:
            return
        super().build(variables)
        self._gradients, self._sizes = self.add_optimizer_variables(variables, ["gradient", "size"])

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        index = self._get_variable_index(variable)
        # Not a first value given at build: trials may share what was built, not the rate.
        size = ops.where(self.iterations == 0, ops.cast(learning_rate, dtype), self._sizes[index])

        agreement = gradient * self._gradients[index].value
        size = ops.where(agreement > 0, size * self.growth, size)
        size = ops.where(agreement < 0, size * self.shrinkage, size)
        size = ops.clip(size, self.smallest, self.largest)
        gradient = ops.where(agreement < 0, 0.0 * gradient, gradient)

        self.assign(self._sizes[index], size)
        self.assign(self._gradients[index], gradient)
        self.assign_sub(variable, ops.sign(gradient) * size)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such an optimizer."""
        return {
            **super().get_config(),
            "shrinkage": self.shrinkage,
            "growth": self.growth,
            "smallest": self.smallest,
            "largest": self.largest,
        }
