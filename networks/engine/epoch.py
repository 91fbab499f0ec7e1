"""An epoch of a cohort: every member's rows in its own order, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

Tensor = torch.Tensor


@dataclass(frozen=True)
class Batches:
    """Batches of one size.

    Args:
        index: each step's rows, one member after another.
            [shape=(steps, members * batch)]
        target: one-hot classes. [shape=(steps, members, classes, batch)]
        logarithms: of the probabilities that the network gave, to be filled in.
            [shape=(steps, members, classes, batch)]
    """

    index: Tensor
    target: Tensor
    logarithms: Tensor

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        return zip(self.index.unbind(), self.target.unbind(), self.logarithms.unbind(), strict=True)


class Epoch:
    """The batches of an epoch, and what came of them.

    Args:
        orders: of each member's rows. [shape=(members, rows)]
        batch_size: rows a step; the last batch may be smaller.
        target: one-hot classes of the rows, on the device. [shape=(rows, classes)]
    """

    def __init__(self, orders: npt.NDArray[np.int64], batch_size: int, target: Tensor) -> None:
        index = torch.from_numpy(orders).to(target.device)
        self._rows = index.shape[1]
        full = self._rows - self._rows % batch_size
        parts = [(index[:, :full], batch_size), (index[:, full:], self._rows - full)]
        self._parts = [_batches(part, size, target) for part, size in parts if part.shape[1]]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for part in self._parts:
            yield from part

    def logs(self) -> list[dict[str, float]]:
        """Accuracy and mean cross-entropy of each member while it trained, as Keras logs them."""
        loss: Tensor | float = 0.0
        right: Tensor | int = 0
        for part in self._parts:
            loss = loss - (part.logarithms * part.target).sum((0, 2, 3), dtype=torch.float64)
            hits = part.logarithms.argmax(2) == part.target.argmax(2)
            right = right + hits.sum((0, 2))
        assert isinstance(loss, Tensor)
        assert isinstance(right, Tensor)
        return [
            {"accuracy": hits / self._rows, "loss": total / self._rows}
            for hits, total in zip(right.tolist(), loss.tolist(), strict=True)
        ]


def _batches(index: Tensor, size: int, target: Tensor) -> Batches:
    members, rows = index.shape
    steps = rows // size
    index = index.reshape(members, steps, size).transpose(0, 1).reshape(steps, members * size)
    targets = target[index].view(steps, members, size, -1).transpose(2, 3).contiguous()
    return Batches(index, targets, torch.empty_like(targets))
