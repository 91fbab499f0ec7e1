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
import torch

from networks.checks import ConfigError
from networks.engine.member import Failed, Member, Trainee
from networks.engine.together import Data, Together
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
                        _build(member, classes, train_rows),
                        steps,
                        None if on_epoch is None else _epochs_of(number, on_epoch),
                        () if callbacks is None else callbacks(number),
                    )
                )
            except Exception as error:
                ended(number, Failed.of(error))
        data = Data(train_rows, validation_rows, classes, device)
        _Cohort(trainees, data, precision, ended, report or (lambda _: None)).train()
    return [outcomes[number] for number in range(len(members))]


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
        data: Data,
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
        together: Together | None = None
        epoch = 0
        while self._live:
            # A place that nobody takes is computed all the same, so now and then
            # those who are left move closer together.
            if together is None or len(self._live) <= len(together.trainees) // 2:
                together = Together(self._live, self._data, self._precision, self._report)
            for trainee in self._leaving(together, epoch):
                self._live.remove(trainee)
                self._leave(trainee, together)
            epoch += 1

    def _leaving(self, together: Together, epoch: int) -> list[Trainee]:
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

    def _leave(self, trainee: Trainee, together: Together) -> None:
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


def _build(member: Member, classes: int, rows: Rows) -> keras.Model:
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
