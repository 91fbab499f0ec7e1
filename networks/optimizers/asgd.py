"""Averaged stochastic gradient descent, which Keras does not have."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.plain import PlainOptimizer


class ASGD(PlainOptimizer):
    """ASGD: gradient descent with a falling rate, a slight decay and an average.

    weight *= 1 - decay * eta; weight -= eta * gradient, with
    eta = learning rate / (1 + decay * learning rate * t)^power, t the steps before this
    one; average += (weight - average) / max(1, t - average_from). After Polyak &
    Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992, as
    torch.optim: there too the average is kept aside and never becomes the weights, and
    eta is worked out at the end of a step, so a new learning rate acts one step later.

    Args:
        learning_rate: base rate.
        decay: torch.optim's `lambd`.
        power: torch.optim's `alpha`.
        average_from: torch.optim's `t0`, in steps; until then the average is the weight.
        kwargs: of `PlainOptimizer`.
    """

    def __init__(
        self,
        learning_rate: float,
        decay: float = 1e-4,
        power: float = 0.75,
        average_from: float = 1e6,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.decay = decay
        self.power = power
        self.average_from = average_from

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight, all zeros."""
        if self.built:
            return
        super().build(variables)
        self._averages = self.add_optimizer_variables(variables, "average")
        self._etas = [
            self.add_variable((), dtype=variable.dtype, name="eta") for variable in variables
        ]

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        rate = ops.cast(learning_rate, dtype)
        steps_before = ops.cast(self.iterations, dtype)
        index = self._get_variable_index(variable)
        # Not a first value given at build: trials may share what was built, not the rate.
        eta = ops.where(self.iterations == 0, rate, self._etas[index])
        weight = variable.value * (1 - self.decay * eta) - gradient * eta
        self.assign(variable, weight)

        share = 1 / ops.cast(ops.maximum(self.iterations - self.average_from, 1.0), dtype)
        average = self._averages[index]
        self.assign(average, average.value + (weight - average.value) * share)
        falling = 1 + self.decay * rate * (steps_before + 1)
        self.assign(self._etas[index], rate / falling**self.power)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make such an optimizer."""
        return {
            **super().get_config(),
            "decay": self.decay,
            "power": self.power,
            "average_from": self.average_from,
        }
