"""The batches of an epoch, each trial's rows in an order of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from networks.training.results import LabelledRows

Tensor = torch.Tensor


_GATHERED_AT_ONCE = 2 * 2**20  # bytes of inputs: some steps' worth, still in the caches


@dataclass(frozen=True)
class DeviceRows:
    """A split on the device.

    Args:
        features: [shape=(n, ...)]
        target: one-hot classes. [shape=(n, classes)]
    """

    features: Tensor
    target: Tensor

    @classmethod
    def of(cls, rows: LabelledRows, classes: int, device: str) -> DeviceRows:
        """Copy rows to a device as float32."""
        target = torch.nn.functional.one_hot(torch.from_numpy(rows.label), classes)
        features = torch.from_numpy(np.ascontiguousarray(rows.features, np.float32))
        return cls(features.to(device), target.float().to(device))


@dataclass(frozen=True)
class Batch:
    """A batch for each trial.

    Args:
        x: inputs. [shape=(trials, n, ...)]
        target: one-hot classes, times their weights. [shape=(trials, classes, n)]
        log_probabilities: of the classes, to be filled in by the step.
            [shape=(trials, classes, n)]
    """

    x: Tensor
    target: Tensor
    log_probabilities: Tensor


class EpochBatches:
    """The batches of an epoch, each trial's rows in its own order, and its training logs.

    Args:
        orders: of each trial's rows. [shape=(trials, rows)]
        batch_size: rows a step; the last batch may be smaller.
        rows: the train split.
        weights: of the classes in each trial's loss, or None. [shape=(trials, classes)]
    """

    def __init__(
        self,
        orders: npt.NDArray[np.int64],
        batch_size: int,
        rows: DeviceRows,
        weights: Tensor | None = None,
    ) -> None:
        index = torch.from_numpy(orders).to(rows.target.device)
        self._rows = index.shape[1]
        full = self._rows - self._rows % batch_size
        parts = [(index[:, :full], batch_size), (index[:, full:], self._rows - full)]
        self._parts = [
            _EqualBatches(part, size, rows, weights) for part, size in parts if part.shape[1]
        ]

    def __iter__(self) -> Iterator[Batch]:
        for part in self._parts:
            yield from part.batches()

    def logs(self) -> list[dict[str, float]]:
        """Accuracy and mean cross-entropy of each trial, before each step, as Keras logs them."""
        sums = [part.sums() for part in self._parts]
        losses = torch.stack([loss for loss, _ in sums]).sum(0) / self._rows
        accuracies = torch.stack([right for _, right in sums]).sum(0) / self._rows
        return [
            {"accuracy": accuracy, "loss": loss}
            for accuracy, loss in zip(accuracies.tolist(), losses.tolist(), strict=True)
        ]


class _EqualBatches:
    """Batches of one size.

    Args:
        index: each trial's rows. [shape=(trials, steps * size)]
        size: rows a batch.
        rows: the train split.
        weights: see `EpochBatches`.
    """

    def __init__(self, index: Tensor, size: int, rows: DeviceRows, weights: Tensor | None) -> None:
        trials = index.shape[0]
        self._features = rows.features
        self._index = index.reshape(trials, -1, size).transpose(0, 1).contiguous()
        shape = (*self._index.shape, rows.target.shape[1])
        target = rows.target.index_select(0, self._index.view(-1)).view(shape)
        self._target = target.transpose(2, 3).contiguous()  # (steps, trials, classes, size)
        if weights is not None:
            self._target *= weights[:, :, None]
        self._log_probabilities = torch.empty_like(self._target)

    def batches(self) -> Iterator[Batch]:
        """A batch a step. Inputs are gathered for some steps at once, while they fit a cache."""
        bytes_a_step = self._index[0].numel() * self._features[0].numel() * 4
        at_once = max(1, _GATHERED_AT_ONCE // bytes_a_step)
        for first in range(0, len(self._index), at_once):
            chosen = slice(first, first + at_once)
            index = self._index[chosen]
            x = self._features.index_select(0, index.reshape(-1))
            x = x.view(*index.shape, *x.shape[1:])
            for parts in zip(x, self._target[chosen], self._log_probabilities[chosen], strict=True):
                yield Batch(*parts)

    def sums(self) -> tuple[Tensor, Tensor]:
        """Each trial's summed cross-entropy and right predictions. Each [shape=(trials,)]"""
        loss = -(self._log_probabilities * self._target).sum((0, 2, 3), dtype=torch.float64)
        best = self._log_probabilities.max(2, keepdim=True).indices
        right = (self._target.gather(2, best) > 0).sum((0, 2, 3), dtype=torch.float64)
        return loss, right
