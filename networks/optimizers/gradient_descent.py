"""Gradient descent, averaged descent and resilient backpropagation."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from networks.optimizers.base import TraceableOptimizer


class SGD(TraceableOptimizer, keras.optimizers.SGD):  # type: ignore[misc]
    """Keras's SGD, without momentum: weight -= learning rate * gradient."""


class ASGD(TraceableOptimizer):
    """ASGD: gradient descent with a falling rate, a slight decay and an average.

    weight *= 1 - decay * eta; weight -= eta * gradient, with
    eta = learning rate / (1 + decay * learning rate * t)^power, t the steps before this
    one; average += (weight - average) / max(1, t - average_from). After Polyak &
    Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992, as
    torch.optim: there too the average is kept aside and never becomes the weights, and
    eta is worked out at the end of a step, so a new learning rate acts one step later.

    Attributes:
        decay: torch.optim's `lambd`.
        power: torch.optim's `alpha`.
        average_from: torch.optim's `t0`, in steps; until then the average is the weight.
    """

    SLOTS = ("average",)
    decay = 1e-4
    power = 0.75
    average_from = 1e6

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight, all zeros."""
        if not self.built:
            super().build(variables)
            self.slots["eta"] = [
                self.add_variable((), dtype=variable.dtype, name="eta") for variable in variables
            ]

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        rate = ops.cast(learning_rate, dtype)
        steps_before = ops.cast(self.iterations, dtype)
        slot = self.slot("eta", variable)
        # Not a first value given at build: trials may share what was built, not the rate.
        eta = ops.where(self.iterations == 0, rate, slot)
        weight = variable.value * (1 - self.decay * eta) - gradient * eta
        self.assign(variable, weight)

        share = 1 / ops.cast(ops.maximum(self.iterations - self.average_from, 1.0), dtype)
        average = self.slot("average", variable)
        self.assign(average, average.value + (weight - average.value) * share)
        falling = 1 + self.decay * rate * (steps_before + 1)
        self.assign(slot, rate / falling**self.power)


class Rprop(TraceableOptimizer):
    """Rprop: each weight has a step size of its own and only the gradient's sign counts.

    The size grows by `growth` while the sign stays and shrinks by `shrinkage` when it
    turns; the step at a turn is left out. Riedmiller & Braun, "A Direct Adaptive Method
    for Faster Backpropagation Learning: The RPROP Algorithm", 1993, in torch.optim's
    variant, iRprop- of Igel & Huesken, 2000. The learning rate is the first step size;
    later changes of it do nothing.

    Attributes:
        shrinkage, growth: torch.optim's `etas`.
        smallest, largest: limits of the step size, torch.optim's `step_sizes`.
    """

    SLOTS = ("gradient", "size")
    shrinkage = 0.5
    growth = 1.2
    smallest = 1e-6
    largest = 50.0

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        last, slot = self.slot("gradient", variable), self.slot("size", variable)
        # Not a first value given at build: trials may share what was built, not the rate.
        size = ops.where(self.iterations == 0, ops.cast(learning_rate, dtype), slot)

        agreement = gradient * last.value
        size = ops.where(agreement > 0, size * self.growth, size)
        size = ops.where(agreement < 0, size * self.shrinkage, size)
        size = ops.clip(size, self.smallest, self.largest)
        gradient = ops.where(agreement < 0, 0.0 * gradient, gradient)

        self.assign(slot, size)
        self.assign(last, gradient)
        self.assign_sub(variable, ops.sign(gradient) * size)
