"""The optimizer's update of all trials' weights at once.

Any optimizer of `networks.optimizers` can be traced. Two are common enough for a form of
their own that computes the same: SGD adds its products straight to the weights, and Adam
on a CPU uses torch's fused kernel, one pass over the weights where the traced form
takes fifteen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

from networks.engine.graph import Store, bind, trace
from networks.engine.stacked_variables import StackedVariables
from networks.optimizers.adam import Adam
from networks.optimizers.base import TraceableOptimizer
from networks.optimizers.gradient_descent import SGD

Tensor = torch.Tensor


@dataclass(frozen=True)
class Decays:
    """Weight decays of the trials. Each [shape=(trials,)]"""

    l2: Sequence[float]
    decoupled: Sequence[float]

    @property
    def any(self) -> bool:
        """Whether any trial's weights decay."""
        return any(self.l2) or any(self.decoupled)


class Update(ABC):
    """An optimizer's step for all trials.

    Attributes:
        scale: what the gradients must be multiplied by. [shape=(trials,)]
    """

    scale: Tensor

    def stores(self, outputs: int, first_factor: int) -> list[Store]:
        """Which of its first `outputs` outputs the graph of gradients adds to weights itself."""
        return []

    def factors(self) -> list[Tensor]:
        """Factors of the weights before `stores` adds to them, or none."""
        return []

    def set_rates(self) -> None:  # noqa: B027  # a traced graph reads the rates where they are
        """Read the optimizers' rates again after they changed."""

    @abstractmethod
    def __call__(self, gradients: Sequence[Tensor]) -> None:
        """Update the weights by the gradients that were not stored."""


def make_update(
    optimizers: Sequence[TraceableOptimizer],
    weights: StackedVariables,
    state: StackedVariables,
) -> Update:
    """The update for trials' optimizers, all of one class.

    Args:
        optimizers: built on the trials' weights.
        weights: their trainable variables.
        state: the optimizers' variables.
    """
    first = optimizers[0]
    decays = Decays(
        [float(optimizer.l2) for optimizer in optimizers],
        [float(optimizer.weight_decay or 0.0) for optimizer in optimizers],
    )
    if type(first) is SGD:
        return Descent(weights, state, decays)
    # A CUDA graph replays a step with the numbers that it was recorded with, and the
    # fused kernel takes its rates as numbers.
    if type(first) is Adam and state.values[0].device.type == "cpu":
        return FusedAdam(first, weights, state, decays)
    return TracedUpdate(first, weights, state, decays)


class Descent(Update):
    """weight = (1 - rate * decay) * weight + (-rate * gradient): SGD, both decays alike.

    The rate enters where the gradient begins, as a gradient is linear in it.
    """

    def __init__(self, weights: StackedVariables, state: StackedVariables, decays: Decays) -> None:
        self._weights, self._rate = weights, state.values[1]
        device = self._rate.device
        decay = [a + b for a, b in zip(decays.l2, decays.decoupled, strict=True)]
        self._decay = torch.tensor(decay, device=device) if decays.any else None
        self.scale = torch.empty_like(self._rate)
        self._factor = torch.empty_like(self._rate)
        self.set_rates()

    def stores(self, outputs: int, first_factor: int) -> list[Store]:
        """Each gradient is added to its weight."""
        return [
            Store(i, i, adds=True, factor=None if self._decay is None else first_factor + i)
            for i in range(outputs)
        ]

    def factors(self) -> list[Tensor]:
        """One view a weight, with the weight's number of axes."""
        if self._decay is None:
            return []
        views = [self._factor.view(-1, *[1] * (value.dim() - 1)) for value in self._weights.values]
        return [view[0] for view in views] if self._weights.is_single else views

    def set_rates(self) -> None:
        """See `Update`."""
        torch.neg(self._rate, out=self.scale)
        if self._decay is not None:
            self._factor.copy_(1 - self._rate * self._decay)

    def __call__(self, gradients: Sequence[Tensor]) -> None:
        """Nothing: the graph of gradients has added them."""


class FusedAdam(Update):
    """Adam and AdamW by torch's fused kernel, a call for each group of equal rates."""

    def __init__(
        self, optimizer: Adam, weights: StackedVariables, state: StackedVariables, decays: Decays
    ) -> None:
        self._decays = decays
        indices = {id(variable): i for i, variable in enumerate(optimizer.variables)}
        self._steps, self._rate = state.values[0], state.values[1]
        self._beta_1 = state.values[indices[id(optimizer.beta_1)]]
        self._beta_2, self._epsilon = optimizer.beta_2, optimizer.epsilon
        slots = state.views()
        self._values = [weights.views()] + [
            [slots[indices[id(slot)]] for slot in moment]
            for moment in (optimizer.slots["momentum"], optimizer.slots["velocity"])
        ]
        self.scale = torch.ones_like(self._rate)
        self._count = torch.zeros((), device=self._rate.device)
        self.set_rates()

    def set_rates(self) -> None:
        """Group neighbours whose rates and decays are the same."""
        self._count.copy_(self._steps[0])
        trials = zip(
            self._rate.tolist(),
            self._beta_1.tolist(),
            self._decays.l2,
            self._decays.decoupled,
            strict=True,
        )
        self._groups: list[tuple[slice, dict[str, Any], Callable[..., None]]] = []
        begin = 0
        for (rate, beta_1, l2, decoupled), equal in groupby(trials):
            end = begin + len(list(equal))
            rates = {"lr": rate, "beta1": beta_1, "weight_decay": decoupled or l2}
            kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_
            self._groups.append((slice(begin, end), rates, kernel))
            begin = end
        self._slices = [
            self._values if len(self._groups) == 1 else _rows_of(self._values, group)
            for group, _, _ in self._groups
        ]

    def __call__(self, gradients: Sequence[Tensor]) -> None:
        """Update the weights."""
        gradients = [
            _laid_out_as(weight, gradient)
            for weight, gradient in zip(self._values[0], gradients, strict=True)
        ]
        self._steps.add_(1)
        self._count.add_(1)
        counts = [self._count] * len(gradients)
        for (group, rates, kernel), (weights, momentums, velocities) in zip(
            self._groups, self._slices, strict=True
        ):
            kernel(
                weights,
                gradients if len(self._groups) == 1 else [g[group] for g in gradients],
                momentums,
                velocities,
                [],
                counts,
                beta2=self._beta_2,
                eps=self._epsilon,
                amsgrad=False,
                maximize=False,
                **rates,
            )


def _rows_of(values: Sequence[Sequence[Tensor]], trials: slice) -> list[list[Tensor]]:
    return [[value[trials] for value in kind] for kind in values]


def _laid_out_as(weight: Tensor, gradient: Tensor) -> Tensor:
    """A gradient in its weight's order in memory, through which the kernel walks."""
    if gradient.stride() == weight.stride():
        return gradient
    return torch.empty_like(weight).copy_(gradient)


class TracedUpdate(Update):
    """Any optimizer: its own stateless step, traced over the trials."""

    def __init__(
        self,
        optimizer: TraceableOptimizer,
        weights: StackedVariables,
        state: StackedVariables,
        decays: Decays,
    ) -> None:
        rate = state.values[1]
        self.scale = torch.ones_like(rate)
        single = weights.is_single
        l2, decoupled = (
            torch.tensor(decay, device=rate.device) if any(decay) else None
            for decay in (decays.l2, decays.decoupled)
        )
        decay = [value for value in (l2, decoupled) if value is not None]
        if single:
            decay = [value[0] for value in decay]

        def step(
            values: list[Tensor], own: list[Tensor], gradients: list[Tensor], decay: list[Tensor]
        ) -> Any:
            remaining = iter(decay)
            before = optimizer.l2, optimizer.weight_decay
            optimizer.l2 = 0.0 if l2 is None else next(remaining)
            optimizer.weight_decay = None if decoupled is None else next(remaining)
            try:
                return optimizer.stateless_apply(own, gradients, values)
            finally:
                optimizer.l2, optimizer.weight_decay = before

        own, values = state.views(), weights.views()
        example = [torch.zeros_like(value) for value in values]
        graph, leaves = trace(step, (values, own, example, decay), (0, 0, 0, 0), single=single)
        n, m = len(values), len(own)
        bound = [*leaves[: n + m], *[None] * n, *leaves[n + m + n :]]
        self._run = bind(graph, bound, [Store(i, i) for i in range(n + m)])

    def __call__(self, gradients: Sequence[Tensor]) -> None:
        """Update the weights."""
        self._run(*gradients)
