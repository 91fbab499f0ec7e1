"""An epoch of training and validation for all trials of a cohort at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from networks.engine.epoch import DeviceRows, EpochBatches
from networks.engine.forward import DropoutInputs, dropout_layers
from networks.engine.stacked_variables import StackedVariables
from networks.engine.step import TrainingStep
from networks.engine.trial_state import EpochScores, TrialState
from networks.engine.updates import make_update
from networks.engine.validation import ValidationPass
from networks.training import metrics
from networks.training.cohort_key import Precision
from networks.training.random_streams import row_order
from networks.training.results import LabelledRows, class_weights


class CohortData:
    """The train and validation rows of a cohort, on its device."""

    def __init__(
        self, train: LabelledRows, validation: LabelledRows, classes: int, device: str
    ) -> None:
        self.train = DeviceRows.of(train, classes, device)
        self.validation = DeviceRows.of(validation, classes, device)
        self.train_label, self.label = train.label, validation.label
        self.classes, self.device = classes, device


class CohortTrainer:
    """Trials side by side, their variables stacked and their step traced.

    Args:
        trials: with equal `cohort_key`s.
        data: that they train on.
        precision: of products.
        report: called with a sentence when a slower way of computing had to be taken.
    """

    def __init__(
        self,
        trials: Sequence[TrialState],
        data: CohortData,
        precision: Precision,
        report: Callable[[str], None],
    ) -> None:
        self.trials = list(trials)
        model = trials[0].model
        self._stacks = weights, others, state = [
            StackedVariables(variables, data.device)
            for variables in (
                [trial.model.trainable_variables for trial in trials],
                [trial.model.non_trainable_variables for trial in trials],
                [trial.optimizer.variables for trial in trials],
            )
        ]
        update = make_update([trial.optimizer for trial in trials], weights, state)
        self._layers = len(dropout_layers(model))
        rates = [trial.dropout for trial in trials]
        self._dropout = DropoutInputs.of_cohort(rates, self._layers, data.device)
        self._step = TrainingStep(
            model,
            weights,
            others,
            state,
            update,
            self._dropout,
            precision,
            report,
        )
        features = data.validation.features
        self._validation = ValidationPass(model, weights, others, features, precision)
        self._data = data
        self._class_weights: torch.Tensor | None = None
        trainings = [trial.training for trial in trials]
        if any(training.class_weights for training in trainings):
            each = [class_weights(t, data.train_label, data.classes) for t in trainings]
            self._class_weights = torch.from_numpy(np.stack(each)).float().to(data.device)
        self._steps_rates = any(trial.rates_move_by_step for trial in trials)

    def train_epoch(self, epoch: int) -> list[dict[str, float]]:
        """Train all trials for an epoch, counted from 0; their training logs."""
        rows = len(self._data.train.target)
        batch_size = self.trials[0].training.batch_size
        if self._layers:
            self._dropout.begin_epoch([trial.seed for trial in self.trials], epoch)
        self._step.set_rates()
        orders = np.stack([row_order(trial.seed, epoch, rows) for trial in self.trials])
        batches = EpochBatches(orders, batch_size, self._data.train, self._class_weights)
        for number, batch in enumerate(batches):
            if number and self._steps_rates:
                for trial in self.trials:
                    trial.set_rates(number)
                self._step.set_rates()
            batch.log_probabilities.copy_(self._step(batch.x, batch.target))
        return batches.logs()

    def validate(self) -> list[EpochScores]:
        """Scores of all trials on the validation rows, and their learning rates."""
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
            EpochScores(
                self.trials[i].index,
                {name: float(values[i]) for name, values in zip(names, found, strict=True)}
                | {"learning_rate": rate},
                confusions[i],
            )
            for i, rate in enumerate(rates)
        ]

    def values(self) -> dict[str, torch.Tensor]:
        """All variables by name. Each [shape=(trials, ...)]"""
        kinds = ("weights", "non_trainable", "optimizer")
        return {
            f"{kind}/{i}": value
            for kind, stack in zip(kinds, self._stacks, strict=True)
            for i, value in enumerate(stack.values)
        }

    def release(self, trial: TrialState) -> None:
        """Give a trial's variables memory of their own, on the CPU."""
        for stack in self._stacks:
            stack.release(self.trials.index(trial))
