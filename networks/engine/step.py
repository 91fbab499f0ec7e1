"""One step of a cohort: a batch for each member, gradients, new weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import torch

from networks.engine.capture import record
from networks.engine.forward import DropoutInputs, Precision, gradients_of
from networks.engine.graph import Store, bind
from networks.engine.stack import Stack
from networks.engine.tracing import trace
from networks.engine.updates import Update

Tensor = torch.Tensor


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
    def of(
        cls,
        features: npt.NDArray[np.floating],
        label: npt.NDArray[np.int64],
        classes: int,
        device: str,
    ) -> DeviceRows:
        """Rows put on a device as float32."""
        target = torch.nn.functional.one_hot(torch.from_numpy(label), classes)
        return cls(
            torch.from_numpy(features.astype(np.float32)).to(device), target.float().to(device)
        )


class Dropout:
    """What dropout is drawn from, for all members.

    Args:
        thresholds: see `chance.dropout_threshold`. [shape=(members,)]
        scales: 1 / (1 - rate). [shape=(members,)]
        layers: dropout layers of the network.
        device: where it is drawn.
    """

    def __init__(
        self, thresholds: Sequence[int], scales: Sequence[float], layers: int, device: str
    ) -> None:
        members = len(thresholds)
        self.layers = layers
        self.inputs = DropoutInputs(
            keys=torch.zeros((members, layers, 2), dtype=torch.int32, device=device),
            rows_before=torch.zeros((), dtype=torch.int32, device=device),
            threshold=torch.tensor(thresholds, dtype=torch.int32, device=device),
            scale=torch.tensor(scales, dtype=torch.float32, device=device),
        )

    def begin_epoch(self, keys: npt.NDArray[np.int32]) -> None:
        """Take an epoch's keys. `keys`: [shape=(members, layers, 2)]"""
        self.inputs.keys.copy_(torch.from_numpy(keys))
        self.inputs.rows_before.zero_()


class Step:
    """Moves all members by a batch each.

    Args:
        model: a member's, whose structure is traced.
        weights: members' trainable variables.
        others: their other variables.
        state: their optimizers' variables.
        update: moves the weights.
        rows: that all train on.
        dropout: what is dropped.
        precision: of the products.
        report: told what a reader of the records should know.
    """

    def __init__(
        self,
        model: keras.Model,
        weights: Stack,
        others: Stack,
        state: Stack,
        update: Update,
        rows: DeviceRows,
        dropout: Dropout,
        precision: Precision,
        report: Callable[[str], None],
    ) -> None:
        self._model, self._weights, self._others, self._state = model, weights, others, state
        self._update, self._rows, self._dropout = update, rows, dropout
        self._precision, self._report = precision, report
        self._members = len(state.values[0])
        self._runs: dict[int, Callable[..., Tensor]] = {}
        self._scales: dict[int, Tensor] = {}  # by batch size

    def set_rates(self) -> None:
        """Take up the optimizers' rates after they changed."""
        self._update.set_rates()
        for batch, scale in self._scales.items():
            torch.div(self._update.scale.view(-1, 1, 1), -batch, out=scale)

    def __call__(self, index: Tensor, target: Tensor) -> Tensor:
        """Train on some rows.

        Args:
            index: each member's rows of the batch, one member after another.
                [shape=(members * batch,)]
            target: one-hot classes. [shape=(members, classes, batch)]

        Returns:
            Logarithms of the probabilities before the step, of `target`'s shape;
            overwritten by the next step.
        """
        run = self._runs.get(len(index))
        if run is None:
            run = self._runs[len(index)] = self._prepare(index, target)
        return run(index, target)

    def _prepare(self, index: Tensor, target: Tensor) -> Callable[..., Tensor]:
        compute = self._trace(index, target)
        if index.device.type != "cuda":
            return compute
        state = [*self._weights.values, *self._others.values, *self._state.values]
        state.append(self._dropout.inputs.rows_before)
        return record(compute, (index, target), state, self._report)

    def _gather(self, index: Tensor) -> Tensor:
        x = self._rows.features.index_select(0, index)
        return x if self._weights.is_alone else x.view(self._members, -1, *x.shape[1:])

    def _trace(self, index: Tensor, target: Tensor) -> Callable[..., Tensor]:
        model, precision, alone = self._model, self._precision, self._weights.is_alone
        batch = len(index) // self._members
        drop = self._dropout.inputs
        scale = self._scales[batch] = self._update.scale.view(-1, 1, 1) / -batch
        varied = [drop.keys, drop.threshold, drop.scale, scale]
        if alone:
            varied, target = [value[0] for value in varied], target[0]
        weights, others = self._weights.views(), self._others.views()
        n, m = len(weights), len(others)

        def gradients(  # type: ignore[no-untyped-def]
            weights, others, x, target, keys, threshold, drop_scale, scale, factors, rows_before
        ):
            dropout = DropoutInputs(keys, rows_before, threshold, drop_scale)
            return gradients_of(
                model, weights, others, x, target, scale, dropout, precision, alone=alone
            )

        factors = self._update.factors()
        inputs = (weights, others, self._gather(index), target, *varied, factors, drop.rows_before)
        graph, leaves, _ = trace(gradients, inputs, (*[0] * 9, None), alone=alone)
        bound = [*leaves[: n + m], None, None, *leaves[n + m + 2 :]]
        stores = self._update.stores(n, first_factor=n + m + 2 + len(varied))
        stores += [Store(n + i, n + i) for i in range(m)]
        run = bind(graph, bound, stores)
        drops = self._dropout.layers > 0

        def compute(index: Tensor, target: Tensor) -> Tensor:
            *found, logarithms = run(self._gather(index), target[0] if alone else target)
            self._update(found)
            if drops:
                drop.rows_before.add_(batch)
            return logarithms

        return compute
