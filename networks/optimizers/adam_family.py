"""What Adam, Adamax, NAdam and RAdam share: two betas and running moments."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from networks.optimizers.plain import PlainOptimizer


class AdamFamily(PlainOptimizer):
    """Base of the optimizers that keep two running moments m and v of each gradient.

    `beta_1` is a variable, like the learning rate: the one-cycle schedule moves it,
    and a traced step would keep the value of a plain number for ever.

    Args:
        learning_rate: base rate.
        beta_1: decay of the first moment, 0 < beta_1 < 1.
        beta_2: decay of the second moment, 0 < beta_2 < 1.
        epsilon: keeps the divisor above 0.
        kwargs: of `PlainOptimizer`.
    """

    def __init__(
        self,
        learning_rate: float,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = self.add_variable(
            (), initializer=keras.initializers.Constant(beta_1), name="beta_1"
        )
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight, all zeros."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )

    def _next_momentum(self, gradient: Any, variable: keras.Variable) -> Any:
        """Return m + (1 - beta_1) * (gradient - m), which is also kept."""
        slot = self._momentums[self._get_variable_index(variable)]
        share = 1 - ops.cast(self.beta_1, variable.dtype)
        momentum = slot.value + (gradient - slot.value) * share
        self.assign(slot, momentum)
        return momentum

    def _next_velocity(self, gradient: Any, variable: keras.Variable) -> Any:
        """Return beta_2 * v + (1 - beta_2) * gradient^2, which is also kept."""
        slot = self._velocities[self._get_variable_index(variable)]
        velocity = slot.value * self.beta_2 + ops.square(gradient) * (1 - self.beta_2)
        self.assign(slot, velocity)
        return velocity

    def _step(self, dtype: str) -> Any:
        """The number of this step, from 1."""
        return ops.cast(self.iterations, dtype) + 1

    # 1 - beta^t by expm1: in float32 the plain difference is wrong from the fifth
    # digit on while t is small, as 0.999^t is then so near 1.
    def _bias_1(self, dtype: str) -> Any:
        return -ops.expm1(self._step(dtype) * ops.log(ops.cast(self.beta_1, dtype)))

    def _bias_2(self, dtype: str) -> Any:
        return -ops.expm1(self._step(dtype) * math.log(self.beta_2))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such an optimizer."""
        return {
            **super().get_config(),
            "beta_1": float(ops.convert_to_numpy(self.beta_1)),
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
