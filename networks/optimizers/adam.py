"""Adam, and with a decoupled weight decay AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import torch
from keras import ops
from torch.optim.adam import adam as torch_adam

from networks.optimizers.adam_family import AdamFamily


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
        places = [self._get_variable_index(variable) for variable in trainable_variables]
        steps = float(ops.convert_to_numpy(self.iterations))
        with torch.no_grad():
            torch_adam(
                [variable.value for variable in trainable_variables],
                list(grads),
                [self._momentums[place].value for place in places],
                [self._velocities[place].value for place in places],
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
