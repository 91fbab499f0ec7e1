"""Which trials train together."""

from dataclasses import replace

import pytest

from experiments.design.dataset_size import SOURCE_SIZE
from experiments.design.plan import StudyOptions, make_plan
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.studies import STUDIES
from experiments.training.cohorts import Cohort, plan_cohorts
from networks.models.config import CNNConfig, FFNConfig, NetworkConfig, TrainingConfig

BASE = TrainingConfig()
FFN = FFNConfig()


def trials(
    count: int, network: NetworkConfig = FFN, training: TrainingConfig = BASE
) -> list[tuple[str, Trial]]:
    return [("name", Trial(network, training, seed, "x")) for seed in range(count)]


def sizes(cohorts: tuple[Cohort, ...]) -> list[int]:
    return [len(cohort.trials) for cohort in cohorts]


def test_large_cohorts_of_small_networks_in_even_shares() -> None:
    assert sizes(plan_cohorts(trials(64), "cpu", SOURCE_SIZE)) == [64]
    assert sizes(plan_cohorts(trials(65), "cpu", SOURCE_SIZE)) == [33, 32]
    assert sizes(plan_cohorts(trials(200), "cpu", SOURCE_SIZE)) == [50] * 4
    assert sizes(plan_cohorts(trials(200), "cuda", SOURCE_SIZE)) == [200]


def test_convolutional_networks_train_alone_on_a_cpu_and_by_memory_on_a_gpu() -> None:
    cnns = trials(40, CNNConfig())
    assert sizes(plan_cohorts(cnns, "cpu", SOURCE_SIZE)) == [1] * 40
    assert sizes(plan_cohorts(cnns, "cuda", SOURCE_SIZE, free_memory=80 * 2**30)) == [40]
    some = sizes(plan_cohorts(cnns, "cuda", SOURCE_SIZE, free_memory=2 * 2**30))
    assert 2 <= max(some) < 40
    assert max(some) - min(some) <= 1
    large = trials(2, CNNConfig(pooling=False, padding=False))
    with pytest.raises(RunError, match=r"GB are free\. Use a smaller network"):
        plan_cohorts(large, "cuda", SOURCE_SIZE, free_memory=2**30)


def test_what_may_differ_and_what_may_not() -> None:
    together = [
        *trials(1),
        *trials(1, FFNConfig(initializer="he_normal")),
        *trials(1, training=replace(BASE, learning_rate=0.1, l2=0.1, epochs=3)),
    ]
    assert sizes(plan_cohorts(together, "cpu", SOURCE_SIZE)) == [3]
    dropping = [*trials(1, FFNConfig(dropout=0.1)), *trials(1, FFNConfig(dropout=0.9))]
    assert sizes(plan_cohorts([*trials(1), *dropping], "cpu", SOURCE_SIZE)) == [1, 2]
    apart = [
        *trials(1),
        *trials(1, FFNConfig(hidden=(9,))),
        *trials(1, FFNConfig(activation="prelu")),
        *trials(1, training=replace(BASE, optimizer="sgd")),
        *trials(1, training=replace(BASE, batch_size=32)),
        ("name", Trial(FFN, BASE, 0, "x", device="cpu")),
    ]
    assert sizes(plan_cohorts(apart, "cpu", SOURCE_SIZE)) == [1] * 6


@pytest.mark.parametrize("name", list(STUDIES))
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_trial_of_a_study_is_in_one_cohort(name: str, device: str) -> None:
    plan = make_plan(STUDIES[name], StudyOptions("controlled"), "x")
    cohorts = plan_cohorts(plan.trials, device, SOURCE_SIZE, 80 * 2**30)
    planned = [trial.id for cohort in cohorts for _, trial in cohort.trials]
    assert sorted(planned) == sorted(trial.id for _, trial in plan.trials)
    assert len({cohort.id for cohort in cohorts}) == len(cohorts)
