"""Members side by side: an epoch of training and validation for all at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from networks.engine.epoch import DeviceRows, Epoch
from networks.engine.forward import dropout_layers
from networks.engine.stacked_variables import Stack
from networks.engine.step import Dropout, Step
from networks.engine.trial_state import Trainee
from networks.engine.updates import Decays, make_update
from networks.engine.validation import Validation
from networks.training import metrics
from networks.training.cohort_key import Precision
from networks.training.random_streams import dropout_keys, dropout_threshold, row_order
from networks.training.results import Rows


class Data:
    """What all members train on and are judged by."""

    def __init__(self, train: Rows, validation: Rows, classes: int, device: str) -> None:
        self.train = DeviceRows.of(train, classes, device)
        self.validation = DeviceRows.of(validation, classes, device)
        self.label = validation.label
        self.classes, self.device = classes, device


@dataclass(frozen=True)
class Judged:
    """A member on the validation rows.

    Args:
        logs: its figures and its learning rate.
        confusion: rows true, columns predicted. [shape=(classes, classes)]
    """

    logs: dict[str, float]
    confusion: npt.NDArray[np.int64]


class Together:
    """Members side by side, ready to take steps.

    Args:
        trainees: the members.
        data: what they train on.
        precision: of products.
        report: told what a reader of the records should know.
    """

    def __init__(
        self,
        trainees: Sequence[Trainee],
        data: Data,
        precision: Precision,
        report: Callable[[str], None],
    ) -> None:
        self.trainees = list(trainees)
        model = trainees[0].model
        self._stacks = weights, others, state = [
            Stack(variables, data.device)
            for variables in (
                [trainee.model.trainable_variables for trainee in trainees],
                [trainee.model.non_trainable_variables for trainee in trainees],
                [trainee.optimizer.variables for trainee in trainees],
            )
        ]
        decays = Decays(
            tuple(float(trainee.optimizer.l2) for trainee in trainees),
            tuple(float(trainee.optimizer.weight_decay or 0.0) for trainee in trainees),
        )
        update = make_update([t.optimizer for t in trainees], weights, state, decays)
        self._layers = len(dropout_layers(model))
        self._dropout = Dropout(
            [dropout_threshold(trainee.dropout) for trainee in trainees],
            [1.0 / (1.0 - trainee.dropout) for trainee in trainees],
            self._layers,
            data.device,
        )
        self._step = Step(
            model,
            weights,
            others,
            state,
            update,
            self._dropout,
            precision,
            report,
        )
        self._validation = Validation(model, weights, others, data.validation.features, precision)
        self._data = data
        self._steps_rates = any(trainee.rates_move_by_step for trainee in trainees)

    def train_epoch(self, epoch: int) -> list[dict[str, float]]:
        """Train all members for an epoch, counted from 0; their training logs."""
        rows = len(self._data.train.target)
        batch_size = self.trainees[0].training.batch_size
        if self._layers:
            keys = [dropout_keys(t.seed, epoch, self._layers) for t in self.trainees]
            self._dropout.begin_epoch(np.stack(keys))
        self._step.set_rates()
        orders = np.stack([row_order(t.seed, epoch, rows) for t in self.trainees])
        batches = Epoch(orders, batch_size, self._data.train)
        for number, batch in enumerate(batches):
            if number and self._steps_rates:
                self._set_rates(epoch, number)
            batch.logarithms.copy_(self._step(batch.x, batch.target))
        return batches.logs()

    def validate(self) -> list[Judged]:
        """All members on the validation rows."""
        logits, label = self._validation.logits(), self._data.label
        predicted = logits.argmax(axis=-1)
        confusions = metrics.confusion_matrix(label, predicted, self._data.classes)
        batch_means = metrics.batch_mean_f1s(label, predicted)
        accuracies, macros = metrics.accuracies(confusions), metrics.macro_f1s(confusions)
        losses = metrics.cross_entropy(logits, label)
        rates = self._stacks[2].values[1].tolist()
        names = ("val_loss", "val_accuracy", "val_macro_f1", "val_batch_mean_f1")
        found = (losses, accuracies, macros, batch_means)
        return [
            Judged(
                {name: float(values[i]) for name, values in zip(names, found, strict=True)}
                | {"learning_rate": rate},
                confusions[i],
            )
            for i, rate in enumerate(rates)
        ]

    def values(self) -> dict[str, torch.Tensor]:
        """All that training changes, by name; the first axis is that of the members."""
        return {
            f"{kind}/{i}": value
            for kind, stack in zip(("weights", "others", "optimizer"), self._stacks, strict=True)
            for i, value in enumerate(stack.values)
        }

    def release(self, trainee: Trainee) -> None:
        """Let a member's model have its values to itself."""
        for stack in self._stacks:
            stack.release(self.trainees.index(trainee))

    def _set_rates(self, epoch: int, step: int) -> None:
        for trainee in self.trainees:
            trainee.set_rates(epoch, step)
        self._step.set_rates()
