"""Cohorts of random members against `keras.Model.fit`."""

import random
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from networks.engine.cohort import TrialSpec
from networks.models.config import CNNConfig, FFNConfig, Optimizer, ScheduleConfig, TrainingConfig
from networks.training.results import TrainingResult
from tests.networks.engine.test_cohort import reference, train

COHORTS = 40


def random_members(rng: random.Random) -> list[TrialSpec]:
    """Up to three trials of one architecture, optimizer and batch size."""
    common = {
        "activation": rng.choice(["relu", "leaky_relu", "prelu", "hard_swish", "linear"]),
        "standardize": rng.random() < 0.3,
    }
    network: FFNConfig | CNNConfig = FFNConfig(
        hidden=rng.choice([(4,), (16, 8), (5, 4, 3)]), **common
    )
    if rng.random() < 0.4:
        network = CNNConfig(
            filters=rng.choice([(2,), (2, 3)]),
            kernel_size=3,
            dense=rng.choice([(4,), (6, 5)]),
            pooling=rng.random() < 0.7,
            padding=rng.random() < 0.6,
            dense_activation=rng.random() < 0.7,
            # Raw decibels make some of these so steep that rounding alone moves them.
            **(common | {"standardize": True}),
        )
    optimizer = rng.choice(get_args(Optimizer))
    batch_size = rng.choice([5, 7, 9, 15, 45, 64])
    members = []
    for _ in range(rng.choice([1, 2, 3])):
        training = TrainingConfig(
            optimizer,
            rng.choice([1e-3, 3e-3]),
            epochs=rng.choice([2, 3, 4]),
            batch_size=batch_size,
            schedule=ScheduleConfig(
                kind=rng.choice(["none", "cosine", "one_cycle"]),
                stepping=rng.choice(["epoch", "step"]),
            ),
            keep=rng.choice(["last", "best"]),
        )
        if optimizer != "rprop" and rng.random() < 0.5:
            decoupled = optimizer == "adamw" or rng.random() < 0.5
            training = replace(training, **{"decoupled_decay" if decoupled else "l2": 0.1})
        initializer = rng.choice(["uniform_fan_in", "glorot_uniform", "he_normal"])
        own = replace(network, initializer=initializer)
        members.append(TrialSpec(own, training, rng.randrange(100)))
    return members


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(COHORTS))
def test_random_members_train_as_in_fit(seed: int) -> None:
    members = random_members(random.Random(seed))
    for member, ours in zip(members, train(members), strict=True):
        theirs = reference(member.network, member.training, member.seed)
        assert isinstance(ours, TrainingResult), (member, ours)
        for name in ("loss", "val_loss", "learning_rate"):
            np.testing.assert_allclose(
                ours.history[name], theirs.history[name], rtol=2e-3, atol=2e-4, err_msg=str(member)
            )
