"""Training that goes on from a state gives the bits of training that never stopped."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args

import keras
import numpy as np
import pytest

from networks.engine.cohort import CohortState, FailedTrial, Outcome, TrialSpec
from networks.errors import ConfigError
from networks.models.config import (
    EarlyStoppingConfig,
    FFNConfig,
    NetworkConfig,
    Optimizer,
    ScheduleConfig,
    TrainingConfig,
)
from networks.training.results import TrainingResult
from tests.networks.engine.test_cohort import CNN, FFN, train

BASE = TrainingConfig(optimizer="adam", learning_rate=0.01, epochs=5, batch_size=7)


class Keeper:
    """Keeps copies of the state after some epochs, and may end training at the first of them."""

    def __init__(self, *at: int, ends: bool = False) -> None:
        self.at, self.ends = at, ends
        self.states: dict[int, CohortState] = {}

    def __call__(self, epoch: int, capture: Callable[[], CohortState]) -> bool:
        if epoch not in self.at:
            return False
        taken = capture()
        # As a file would keep it: plain numbers and arrays, nothing of the process.
        callbacks = {
            index: json.loads(json.dumps(state)) for index, state in taken.callbacks.items()
        }
        arrays = {name: array.copy() for name, array in taken.arrays.items()}
        self.states[epoch] = replace(taken, callbacks=callbacks, arrays=arrays)
        return self.ends


def assert_same_bits(ours: Outcome | None, theirs: Outcome | None) -> None:
    assert isinstance(ours, TrainingResult)
    assert isinstance(theirs, TrainingResult)
    assert (ours.status, ours.best_epoch) == (theirs.status, theirs.best_epoch)
    assert len(ours.epoch_seconds) == len(theirs.epoch_seconds)
    assert json.dumps(ours.history) == json.dumps(theirs.history)  # NaN equals itself there
    for a, b in zip(ours.model.get_weights(), theirs.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def assert_continues(members: Sequence[TrialSpec], at: Sequence[int] = (1, 3)) -> None:
    keeper = Keeper(*at)
    whole = train(members, after_epoch=keeper)
    assert keeper.states
    for epoch, state in keeper.states.items():
        for ours, theirs in zip(train(members, state=state), whole, strict=True):
            assert isinstance(theirs, TrainingResult)
            if len(theirs.epoch_seconds) > epoch:
                assert_same_bits(ours, theirs)
            else:
                assert ours is None, "it had ended before"


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_every_optimizer(optimizer: Optimizer) -> None:
    rate = {"adadelta": 1.0, "sgd": 0.05}.get(optimizer, 1e-3)
    training = replace(BASE, optimizer=optimizer, learning_rate=rate, epochs=4)
    assert_continues([TrialSpec(FFN, training, seed) for seed in (1, 2, 3)], at=(2,))


@pytest.mark.parametrize(
    "network",
    [
        replace(FFN, dropout=0.3, batch_norm=True, standardize=True),
        CNN,
        pytest.param(
            replace(CNN, dropout=0.3, batch_norm=True, pooling=False, padding=False),
            marks=pytest.mark.slow,
        ),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_every_kind_of_network(network: NetworkConfig, count: int) -> None:
    assert_continues([TrialSpec(network, BASE, seed) for seed in range(count)])


@pytest.mark.parametrize(
    "training",
    [
        replace(BASE, schedule=ScheduleConfig(kind="cosine", stepping="step")),
        replace(BASE, schedule=ScheduleConfig(kind="one_cycle", stepping="step")),
        replace(BASE, schedule=ScheduleConfig(kind="one_cycle", stepping="epoch")),
        replace(BASE, l2=0.01),
        replace(BASE, optimizer="adamw", decoupled_decay=0.1),
        replace(BASE, keep="best", learning_rate=0.1),
    ],
)
def test_every_schedule_and_decay(training: TrainingConfig) -> None:
    assert_continues([TrialSpec(FFN, training, seed) for seed in (1, 2)], at=(2, 4))


def test_callbacks_have_a_state() -> None:
    """Members stop early at epochs of their own, rates fall, the best weights come back."""
    training = replace(
        BASE,
        optimizer="sgd",
        learning_rate=0.5,
        epochs=14,
        keep="best",
        early_stopping=EarlyStoppingConfig(patience=3, monitor="val_loss"),
        schedule=ScheduleConfig(kind="reduce_on_plateau", patience=1, monitor="val_loss"),
    )
    members = [TrialSpec(FFN, training, seed) for seed in range(7)]
    whole = train(members)
    lengths = {
        len(outcome.epoch_seconds) for outcome in whole if isinstance(outcome, TrainingResult)
    }
    assert len(lengths) >= 3, lengths  # so that some leave and the others move together
    rates = [set(o.history["learning_rate"]) for o in whole if isinstance(o, TrainingResult)]
    assert max(len(found) for found in rates) > 1
    assert_continues(members, at=(1, 3, 5, 7, 10, 13))


def test_a_member_that_diverges_keeps_its_place() -> None:
    wild = replace(BASE, optimizer="sgd", learning_rate=1e30)
    mild = replace(BASE, optimizer="sgd", learning_rate=0.05)
    members = [TrialSpec(FFN, wild, 1), *(TrialSpec(FFN, mild, seed) for seed in (2, 3, 4))]
    keeper = Keeper(2, ends=True)
    diverged, *others = train(members, after_epoch=keeper)
    assert keeper.states[2].indices == (0, 1, 2, 3)
    assert keeper.states[2].active == (1, 2, 3)
    assert isinstance(diverged, TrainingResult)
    assert diverged.status == "diverged"
    assert others == [None] * 3, "they are to go on"
    assert_continues(members)


def test_taking_a_state_changes_nothing() -> None:
    members = [TrialSpec(FFN, replace(BASE, keep="best"), seed) for seed in (1, 2)]
    for ours, theirs in zip(train(members, after_epoch=Keeper(2)), train(members), strict=True):
        assert_same_bits(ours, theirs)


def test_a_state_of_another_cohort_is_refused() -> None:
    members = [TrialSpec(FFN, BASE, seed) for seed in (1, 2)]
    keeper = Keeper(1, ends=True)
    train(members, after_epoch=keeper)
    wider = [TrialSpec(FFNConfig(hidden=(17, 8)), BASE, seed) for seed in (1, 2)]
    deeper = [TrialSpec(FFNConfig(hidden=(16, 8, 8)), BASE, seed) for seed in (1, 2)]
    for others in (wider, deeper):
        with pytest.raises(ConfigError, match="the state of training must be of the same cohort"):
            train(others, state=keeper.states[1])


def test_unknown_callbacks_have_no_state() -> None:
    problems: list[ConfigError] = []

    def after_epoch(epoch: int, take: Callable[[], CohortState]) -> bool:
        with pytest.raises(ConfigError, match="what further ones carry is not known") as caught:
            take()
        problems.append(caught.value)
        return False

    (outcome,) = train(
        [TrialSpec(FFN, BASE, 1)],
        after_epoch=after_epoch,
        callbacks=lambda number: [keras.callbacks.Callback()],
    )
    assert not isinstance(outcome, FailedTrial)
    assert len(problems) == BASE.epochs - 1


def test_epochs_are_reported_once_for_all_members() -> None:
    reports: list[Any] = []
    outcomes = train(
        [TrialSpec(FFN, BASE, seed) for seed in (1, 2)],
        on_epoch=lambda *report: reports.append(copy.deepcopy(report)),
    )
    assert [epoch for epoch, _, _ in reports] == [1, 2, 3, 4, 5]
    for epoch, seconds, members in reports:
        assert seconds > 0
        assert [member.index for member in members] == [0, 1]
        for member in members:
            outcome = outcomes[member.index]
            assert isinstance(outcome, TrainingResult)
            assert member.logs == {k: v[epoch - 1] for k, v in outcome.history.items()}
            accuracy = np.trace(member.confusion) / member.confusion.sum()
            assert member.logs["val_accuracy"] == pytest.approx(accuracy)
