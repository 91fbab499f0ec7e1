"""The values of one list of Keras variables for all trials of a cohort."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import torch

_KERNEL_AXES = 5  # trials, height, width, input channels, filters


class StackedVariables:
    """The variables of all trials, stacked; each Keras variable becomes a view of its row.

    So the Keras model of a trial has what the step writes into a row, and the next step
    reads what a callback assigns to a variable.

    Args:
        variables: of each trial, in the same order and of the same shapes.
        device: where the values live.
    """

    def __init__(self, variables: Sequence[Sequence[keras.Variable]], device: str) -> None:
        self._variables = [list(own) for own in variables]
        self.values: list[torch.Tensor] = []
        for column in zip(*self._variables, strict=True):
            rows = [variable.value.detach() for variable in column]
            # A trial alone keeps its memory: the largest networks have 300 MB.
            value = rows[0].unsqueeze(0) if len(rows) == 1 else torch.stack(rows)
            value = value.to(device)
            if len(rows) == 1 and value.dim() == _KERNEL_AXES:
                value = _channels_last(value)
            self.values.append(value)
            for row, variable in zip(value, column, strict=True):
                variable.value.data = row

    def views(self) -> list[torch.Tensor]:
        """The values, without the axis of trials where there is one trial."""
        return [value[0] for value in self.values] if self.is_single else self.values

    @property
    def is_single(self) -> bool:
        """Whether there is one trial."""
        return len(self._variables) == 1

    def release(self, trial: int) -> None:
        """Give a trial's variables values of their own, on the CPU."""
        for variable in self._variables[trial]:
            row = variable.value.detach()
            own = row.to("cpu").contiguous()
            part_of_more = own.untyped_storage().nbytes() > own.nbytes
            variable.value.data = own.clone() if part_of_more else own


def _channels_last(kernel: torch.Tensor) -> torch.Tensor:
    """The same values, in memory in the order that convolutions of one network want.

    Else each step would copy them into that order, forwards and backwards.
    """
    return kernel.permute(0, 4, 1, 2, 3).contiguous().permute(0, 2, 3, 4, 1)
