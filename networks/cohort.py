"""Trains the trials of a cohort in lockstep, as one batched computation.

Keras defines each member's network, optimizer and callbacks; one traced step moves
all members at once (see `networks.engine`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import torch

from networks import metrics
from networks.chance import dropout_keys, dropout_threshold, row_order
from networks.checks import ConfigError
from networks.engine.epoch import DeviceRows, Epoch
from networks.engine.forward import dropout_layers
from networks.engine.member import Failed, Member, Trainee
from networks.engine.stack import Stack
from networks.engine.step import Dropout, Step
from networks.engine.updates import Decays, make_update
from networks.engine.validation import Validation
from networks.lockstep import Precision, lockstep
from networks.training import Rows, Trained, build

__all__ = ["Failed", "Member", "Outcome", "Precision", "train_cohort"]

Outcome = Trained | Failed


def train_cohort(
    members: Sequence[Member],
    train_rows: Rows,
    validation_rows: Rows,
    classes: int,
    *,
    device: str = "cpu",
    precision: Precision = "float32",
    on_epoch: Callable[[int, int, dict[str, float]], None] | None = None,
    on_end: Callable[[int, Outcome], None] | None = None,
    callbacks: Callable[[int], Sequence[keras.callbacks.Callback]] | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Outcome]:
    """Train networks of one architecture, optimizer and batch size together.

    Each member's initial weights, order of rows, dropout, learning rate, weight decay
    and callbacks are its own, and the same in any company: its curve is that of the
    member alone, up to rounding. A member that stops, diverges or whose callback
    raises leaves, and the others go on. On the CPU the same cohort twice gives the
    same bits.

    Args:
        members: with equal `lockstep` keys.
        train_rows, validation_rows: raw features and labels, the same for all.
        classes: number of genres.
        device: "cpu" or "cuda".
        precision: of products: "float32"; "tf32" on CUDA; "bfloat16" with sums in
            float32, weights too. What is kept is float32.
        on_epoch: called with a member's number, each epoch of it that ended, counted
            from 1, and its logs.
        on_end: called with a member's number and outcome as soon as it leaves.
        callbacks: gives a member's further Keras callbacks, called after ours at the
            beginnings and ends of training and of epochs.
        report: told what a reader of the records should know, such as a slower way
            that had to be taken.

    Returns:
        The outcomes, in the members' order.

    Raises:
        ConfigError: the members cannot train in lockstep, or the device cannot
            compute with that precision.

    Example:
    >>> seeds = [Member(FFNConfig(), TrainingConfig(epochs=5), seed) for seed in range(8)]
    >>> outcomes = train_cohort(seeds, train_rows, validation_rows, classes=4)
    """
    _check(members, device, precision)
    outcomes: dict[int, Outcome] = {}

    def ended(number: int, outcome: Outcome) -> None:
        outcomes[number] = outcome
        if on_end is not None:
            on_end(number, outcome)

    with _computing(device, precision):
        steps = -(-len(train_rows.label) // members[0].training.batch_size)
        trainees: list[Trainee] = []
        for number, member in enumerate(members):
            try:
                trainees.append(
                    Trainee(
                        number,
                        member,
                        _build(member, classes, train_rows, trainees),
                        steps,
                        None if on_epoch is None else _epochs_of(number, on_epoch),
                        () if callbacks is None else callbacks(number),
                    )
                )
            except Exception as error:
                ended(number, Failed.of(error))
        data = _Data(train_rows, validation_rows, classes, device)
        _Cohort(trainees, data, precision, ended, report or (lambda _: None)).train()
    return [outcomes[number] for number in range(len(members))]


class _Data:
    """What all members train on and are judged by."""

    def __init__(self, train: Rows, validation: Rows, classes: int, device: str) -> None:
        self.train = DeviceRows.of(train, classes, device)
        self.validation = DeviceRows.of(validation, classes, device)
        self.label = validation.label
        self.classes, self.device = classes, device


class _Lockstep:
    """Members side by side, ready to take steps.

    Args:
        trainees: the members.
        data: what they train on.
        precision: of products.
        report: see `train_cohort`.
    """

    def __init__(
        self,
        trainees: Sequence[Trainee],
        data: _Data,
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

    def validate(self) -> list[dict[str, float]]:
        """All members' validation logs."""
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
            {name: float(values[i]) for name, values in zip(names, found, strict=True)}
            | {"learning_rate": rate}
            for i, rate in enumerate(rates)
        ]

    def release(self, trainee: Trainee) -> None:
        """Let a member's model have its values to itself."""
        for stack in self._stacks:
            stack.release(self.trainees.index(trainee))

    def _set_rates(self, epoch: int, step: int) -> None:
        for trainee in self.trainees:
            trainee.set_rates(epoch, step)
        self._step.set_rates()


class _Cohort:
    """Trains members until none is left.

    Args:
        trainees: the members.
        data: what they train on.
        precision: of products.
        ended: called with a member's number and outcome when it leaves.
        report: see `train_cohort`.
    """

    def __init__(
        self,
        trainees: Sequence[Trainee],
        data: _Data,
        precision: Precision,
        ended: Callable[[int, Outcome], None],
        report: Callable[[str], None],
    ) -> None:
        self._live = list(trainees)
        self._data, self._precision, self._report = data, precision, report
        self._ended = ended
        self._failed: dict[int, Failed] = {}

    def train(self) -> None:
        """Train them all."""
        for trainee in list(self._live):
            self._attempt(trainee, trainee.begin)
            if trainee.number in self._failed:
                self._live.remove(trainee)
                self._ended(trainee.number, self._failed[trainee.number])
        together: _Lockstep | None = None
        epoch = 0
        while self._live:
            # A place that nobody takes is computed all the same, so now and then
            # those who are left move closer together.
            if together is None or len(self._live) <= len(together.trainees) // 2:
                together = _Lockstep(self._live, self._data, self._precision, self._report)
            for trainee in self._leaving(together, epoch):
                self._live.remove(trainee)
                self._leave(trainee, together)
            epoch += 1

    def _leaving(self, together: _Lockstep, epoch: int) -> list[Trainee]:
        """Train an epoch; the members for whom it was the last."""
        began = time.perf_counter()
        for trainee in self._live:
            self._attempt(trainee, trainee.begin_epoch, epoch)
        trained = together.train_epoch(epoch)
        judged = together.validate()
        seconds = time.perf_counter() - began
        leaving = []
        for trainee, of_training, of_validation in zip(
            together.trainees, trained, judged, strict=True
        ):
            if trainee not in self._live:
                continue
            if trainee.number not in self._failed:
                logs = of_training | of_validation
                self._attempt(trainee, trainee.end_epoch, epoch, logs, seconds)
            if trainee.number in self._failed or trainee.is_over(epoch):
                leaving.append(trainee)
        return leaving

    def _leave(self, trainee: Trainee, together: _Lockstep) -> None:
        if trainee.number not in self._failed:
            self._attempt(trainee, trainee.end)
        together.release(trainee)
        self._ended(trainee.number, self._failed.get(trainee.number) or trainee.trained())

    def _attempt(self, trainee: Trainee, hook: Callable[..., None], *arguments: Any) -> None:
        """Call a member's hook: what it raises ends this member and no other."""
        try:
            hook(*arguments)
        except Exception as error:
            self._failed[trainee.number] = Failed.of(error)


def _build(member: Member, classes: int, rows: Rows, others: Sequence[Trainee]) -> keras.Model:
    with keras.device("cpu"):  # the same initial weights whatever the device
        return build(member.network, classes, member.seed, rows.features)


def _epochs_of(
    number: int, on_epoch: Callable[[int, int, dict[str, float]], None]
) -> Callable[[int, dict[str, float]], None]:
    return lambda epoch, logs: on_epoch(number, epoch, logs)


def _check(members: Sequence[Member], device: str, precision: Precision) -> None:
    keys = {lockstep(member.network, member.training) for member in members}
    if len(keys) != 1:
        raise ConfigError(
            "the members of a cohort must have one architecture, optimizer and batch size. "
            f"Received {len(keys)} kinds among {len(members)} members: train them apart."
        )
    if precision == "tf32" and device != "cuda":
        raise ConfigError(
            f"precision tf32 needs a CUDA device. Received: {device}. Use float32 or bfloat16."
        )


@contextmanager
def _computing(device: str, precision: Precision) -> Iterator[None]:
    """Keras on the device, products in the precision asked for."""
    cuda = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    try:
        with keras.device(device):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = cuda
