"""One step of a cohort: a batch for each trial, gradients, new weights."""

from __future__ import annotations

from collections.abc import Callable

import keras
import torch

from networks.engine.cuda_graph import record
from networks.engine.forward import DropoutInputs, gradients_of
from networks.engine.graph import Store, bind, trace
from networks.engine.stacked_variables import StackedVariables
from networks.engine.updates import Update
from networks.training.cohort_key import Precision

Tensor = torch.Tensor


class TrainingStep:
    """Trains all trials on a batch each; traced once for each size of batch.

    Args:
        model: of one trial, whose structure is traced.
        weights: trainable variables of the trials.
        others: their other variables.
        state: their optimizers' variables.
        update: of the weights.
        dropout: inputs of the trials' dropout masks.
        precision: of products.
        report: called with a sentence when a slower way had to be taken.
    """

    def __init__(
        self,
        model: keras.Model,
        weights: StackedVariables,
        others: StackedVariables,
        state: StackedVariables,
        update: Update,
        dropout: DropoutInputs,
        precision: Precision,
        report: Callable[[str], None],
    ) -> None:
        self._model, self._weights, self._others, self._state = model, weights, others, state
        self._update, self._dropout = update, dropout
        self._precision, self._report = precision, report
        self._runs: dict[int, Callable[..., Tensor]] = {}
        self._scales: dict[int, Tensor] = {}  # by batch size

    def set_rates(self) -> None:
        """Read the optimizers' rates again after they changed."""
        self._update.set_rates()
        for batch, scale in self._scales.items():
            torch.div(self._update.scale.view(-1, 1, 1), -batch, out=scale)

    def __call__(self, x: Tensor, target: Tensor) -> Tensor:
        """Train on a batch for each trial.

        Args:
            x: inputs. [shape=(trials, n, ...)]
            target: one-hot classes, times their weights. [shape=(trials, classes, n)]

        Returns:
            Log-probabilities of the classes before the step, of `target`'s shape;
            overwritten by the next step.
        """
        run = self._runs.get(x.shape[1])
        if run is None:
            run = self._runs[x.shape[1]] = self._prepare(x, target)
        return run(x, target)

    def _prepare(self, x: Tensor, target: Tensor) -> Callable[..., Tensor]:
        compute = self._trace(x, target)
        if x.device.type != "cuda":
            return compute
        state = [*self._weights.values, *self._others.values, *self._state.values]
        state.append(self._dropout.rows_before)
        return record(compute, (x, target), state, self._report)

    def _trace(self, x: Tensor, target: Tensor) -> Callable[..., Tensor]:
        model, precision, single = self._model, self._precision, self._weights.is_single
        batch = x.shape[1]
        drop = self._dropout
        scale = self._scales[batch] = self._update.scale.view(-1, 1, 1) / -batch
        varied = [drop.keys, drop.threshold, drop.scale, scale]
        if single:
            varied, x, target = [value[0] for value in varied], x[0], target[0]
        weights, others = self._weights.views(), self._others.views()
        n, m = len(weights), len(others)

        def gradients(  # type: ignore[no-untyped-def]
            weights, others, x, target, keys, threshold, drop_scale, scale, factors, rows_before
        ):
            dropout = DropoutInputs(keys, rows_before, threshold, drop_scale)
            return gradients_of(
                model, weights, others, x, target, scale, dropout, precision, single=single
            )

        factors = self._update.factors()
        inputs = (weights, others, x, target, *varied, factors, drop.rows_before)
        graph, leaves = trace(gradients, inputs, (*[0] * 9, None), single=single)
        bound = [*leaves[: n + m], None, None, *leaves[n + m + 2 :]]
        stores = self._update.stores(n, first_factor=n + m + 2 + len(varied))
        stores += [Store(n + i, n + i) for i in range(m)]
        run = bind(graph, bound, stores)
        drops = drop.keys.shape[1] > 0

        def compute(x: Tensor, target: Tensor) -> Tensor:
            if single:
                x, target = x[0], target[0]
            *found, log_probabilities = run(x, target)
            self._update(found)
            if drops:
                drop.rows_before.add_(batch)
            return log_probabilities

        return compute
