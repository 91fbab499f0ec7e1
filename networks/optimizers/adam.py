"""Adam and its relatives: two running moments of each gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import torch
from keras import ops
from torch.optim.adam import adam as torch_adam

from networks.optimizers.base import TraceableOptimizer


class AdamFamily(TraceableOptimizer):
    """Base of the optimizers that keep two running moments m and v of each gradient.

    `beta_1` is a variable, like the learning rate: the one-cycle schedule moves it,
    and a traced step would keep the value of a plain number for ever.
    """

    SLOTS = ("momentum", "velocity")
    beta_2 = 0.999
    epsilon = 1e-8

    def __init__(self, learning_rate: float, **kwargs: Any) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = self.add_variable(
            (), initializer=keras.initializers.Constant(0.9), name="beta_1"
        )

    def _next_momentum(self, gradient: Any, variable: keras.Variable) -> Any:
        """Return m + (1 - beta_1) * (gradient - m), which is also kept."""
        slot = self.slot("momentum", variable)
        share = 1 - ops.cast(self.beta_1, variable.dtype)
        momentum = slot.value + (gradient - slot.value) * share
        self.assign(slot, momentum)
        return momentum

    def _next_velocity(self, gradient: Any, variable: keras.Variable) -> Any:
        """Return beta_2 * v + (1 - beta_2) * gradient^2, which is also kept."""
        slot = self.slot("velocity", variable)
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


class Adam(AdamFamily):
    """Adam: the running mean of the gradient over its running root mean square.

    weight -= learning rate * m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon):
    Algorithm 1 of Kingma & Ba, "Adam: A Method for Stochastic Optimization", 2015, as
    torch.optim. Keras adds epsilon before v's bias is corrected (the paper's "epsilon
    hat"): in the first step that is an epsilon 32 times as large.
    """

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Any], learning_rate: Any
    ) -> None:
        # A step that is not traced may change its weights in place: one pass over
        # them in torch's own kernel, where `update_step` takes fifteen.
        if self._stateless:
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        steps = float(ops.convert_to_numpy(self.iterations))
        with torch.no_grad():
            torch_adam(
                [variable.value for variable in trainable_variables],
                list(grads),
                [self.slot("momentum", variable).value for variable in trainable_variables],
                [self.slot("velocity", variable).value for variable in trainable_variables],
                [],
                [torch.tensor(steps, device=gradient.device) for gradient in grads],
                fused=True,
                amsgrad=False,
                beta1=float(ops.convert_to_numpy(self.beta_1)),
                beta2=self.beta_2,
                lr=float(ops.convert_to_numpy(learning_rate)),
                weight_decay=0.0,  # both decays have been applied
                eps=self.epsilon,
                maximize=False,
            )

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move one weight by its gradient, of the same shape."""
        dtype = variable.dtype
        gradient = ops.cast(gradient, dtype)
        rate = ops.cast(learning_rate, dtype) / self._bias_1(dtype)
        momentum = self._next_momentum(gradient, variable)
        velocity = self._next_velocity(gradient, variable)
        divisor = ops.sqrt(velocity) / ops.sqrt(self._bias_2(dtype)) + self.epsilon
        self.assign_sub(variable, rate * (momentum / divisor))


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
        slot = self.slot("velocity", variable)
        largest = ops.maximum(slot.value * self.beta_2, ops.abs(gradient) + self.epsilon)
        self.assign(slot, largest)
        self.assign_sub(variable, rate * (momentum / largest))


class NAdam(AdamFamily):
    """NAdam: Adam with Nesterov's look ahead, its momentum warming up.

    With mu_t = beta_1 * (1 - 0.96^(t * momentum_decay) / 2) and p_t = mu_1 * ... * mu_t:
    weight -= learning rate / (sqrt(v / (1 - beta_2^t)) + epsilon)
    * ((1 - mu_t) / (1 - p_t) * gradient + mu_{t+1} / (1 - p_{t+1}) * m), after Dozat,
    "Incorporating Nesterov Momentum into Adam", 2016, as torch.optim. Keras's Nadam
    has a momentum_decay of 1, so its momentum is warm 250 times as soon.
    """

    momentum_decay = 0.004

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the state of each weight: zeros, but a one for the product of momentums."""
        if not self.built:
            super().build(variables)
            self.slots["product"] = [
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
        slot = self.slot("product", variable)
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
