"""Trains the trials of a cohort in lockstep, as one batched computation.

Keras defines each member's network, optimizer and callbacks; one traced step moves
all members at once (see `networks.engine`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import torch

from networks.engine.cohort_epoch import Data, Together
from networks.engine.cohort_state import CohortState
from networks.engine.trial_state import Failed, Member, MemberEpoch, Trainee
from networks.models.build import build_model
from networks.models.checks import ConfigError
from networks.training.cohort_key import Precision, lockstep
from networks.training.results import Rows, Trained

__all__ = [
    "CohortState",
    "Failed",
    "Member",
    "MemberEpoch",
    "Outcome",
    "Precision",
    "train_cohort",
]

Outcome = Trained | Failed


def train_cohort(
    members: Sequence[Member],
    train_rows: Rows,
    validation_rows: Rows,
    classes: int,
    *,
    device: str = "cpu",
    precision: Precision = "float32",
    on_epoch: Callable[[int, float, Sequence[MemberEpoch]], None] | None = None,
    on_end: Callable[[int, Outcome], None] | None = None,
    after_epoch: Callable[[int, Callable[[], CohortState]], bool] | None = None,
    state: CohortState | None = None,
    callbacks: Callable[[int], Sequence[keras.callbacks.Callback]] | None = None,
    report: Callable[[str], None] | None = None,
) -> list[Outcome | None]:
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
        on_epoch: called with each epoch that ended, counted from 1, the seconds that
            it took and what it brought each member that trained.
        on_end: called with a member's number and outcome as soon as it leaves.
        after_epoch: called after each epoch that leaves members to train, when all that
            left have left, with the number of epochs that are done and a function that
            takes the cohort's state. True ends training here.
        state: to go on from, instead of from the beginning.
        callbacks: gives a member's further Keras callbacks, called after ours at the
            beginnings and ends of training and of epochs.
        report: told what a reader of the records should know, such as a slower way
            that had to be taken.

    Returns:
        The outcomes, in the members' order; None for those that had left before `state`
        or were still training when `after_epoch` ended it.

    Raises:
        ConfigError: the members cannot train in lockstep, the device cannot compute
            with that precision, or `state` is that of another cohort.

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
        for number in range(len(members)) if state is None else state.places:
            member = members[number]
            try:
                trainees.append(
                    Trainee(
                        number,
                        member,
                        _build(member, classes, train_rows),
                        steps,
                        () if callbacks is None else callbacks(number),
                    )
                )
            except Exception as error:
                if state is not None:
                    raise  # it was built before
                ended(number, Failed.of(error))
        data = Data(train_rows, validation_rows, classes, device)
        cohort = _Cohort(trainees, data, precision, ended, report or (lambda _: None))
        cohort.train(on_epoch or (lambda *_: None), after_epoch or (lambda *_: False), state)
    return [outcomes.get(number) for number in range(len(members))]


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

    def train(
        self,
        on_epoch: Callable[[int, float, Sequence[MemberEpoch]], None],
        after_epoch: Callable[[int, Callable[[], CohortState]], bool],
        state: CohortState | None,
    ) -> None:
        """Train them all; for the arguments see `train_cohort`."""
        together = self._begin(state)
        epoch = 0 if state is None else state.epoch
        while self._live:
            # A place that nobody takes is computed all the same, so now and then
            # those who are left move closer together.
            if together is None or len(self._live) <= len(together.trainees) // 2:
                together = Together(self._live, self._data, self._precision, self._report)
            leaving = self._train_epoch(together, epoch, on_epoch)
            for trainee in leaving:
                self._live.remove(trainee)
                self._leave(trainee, together)
            epoch += 1
            take = partial(CohortState.of, together, self._live, epoch)
            if self._live and after_epoch(epoch, take):
                return

    def _begin(self, state: CohortState | None) -> Together | None:
        """Let training begin for all; where it goes on, the places as they were."""
        everyone = list(self._live)
        if state is not None:
            self._live = [trainee for trainee in everyone if trainee.number in state.live]
        for trainee in list(self._live):
            self._attempt(trainee, trainee.begin)
            if trainee.number in self._failed:
                self._live.remove(trainee)
                self._ended(trainee.number, self._failed[trainee.number])
        if state is None:
            return None
        together = Together(everyone, self._data, self._precision, self._report)
        state.put_into(together, self._live)
        return together

    def _train_epoch(
        self,
        together: Together,
        epoch: int,
        on_epoch: Callable[[int, float, Sequence[MemberEpoch]], None],
    ) -> list[Trainee]:
        """Train an epoch; the members for whom it was the last."""
        began = time.perf_counter()
        for trainee in self._live:
            self._attempt(trainee, trainee.begin_epoch, epoch)
        trained = together.train_epoch(epoch)
        judged = together.validate()
        seconds = time.perf_counter() - began
        leaving, ended = [], []
        for trainee, of_training, of_validation in zip(
            together.trainees, trained, judged, strict=True
        ):
            if trainee not in self._live:
                continue
            if trainee.number not in self._failed:
                logs = of_training | of_validation.logs
                ended.append(MemberEpoch(trainee.number, dict(logs), of_validation.confusion))
                self._attempt(trainee, trainee.end_epoch, epoch, logs, seconds)
            if trainee.number in self._failed or trainee.is_over(epoch):
                leaving.append(trainee)
        on_epoch(epoch + 1, seconds, ended)
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
        return build_model(member.network, classes, member.seed, rows.features)


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
