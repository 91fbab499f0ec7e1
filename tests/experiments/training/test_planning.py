"""How many processes train."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.design.dataset_size import SOURCE_SIZE
from experiments.design.request import Computing
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.training import planning
from experiments.training.cohorts import Cohort, plan_cohorts
from experiments.training.device import Machine
from experiments.training.planning import available_memory, check_memory, worker_count
from networks.models.config import CNNConfig, FFNConfig, NetworkConfig, TrainingConfig

SIZE = replace(SOURCE_SIZE, shapes={"mel": (10_001, 100)})


def choose(network: NetworkConfig, trials: int, threads: int = 1, rows: int = 3200) -> int:
    training = TrainingConfig(epochs=20)
    named = [("name", Trial(network, training, seed, "x")) for seed in range(trials)]
    computing, machine = Computing(threads=threads), Machine("cpu", ("cpu",))
    size = replace(SOURCE_SIZE, train=rows)
    return worker_count(plan_cohorts(named, "cpu", size), machine, computing, size)


def test_a_process_a_core_where_there_is_work_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "usable_cores", lambda: 8)
    monkeypatch.setattr(planning, "available_memory", lambda: 64 * 2**30)
    cnn = CNNConfig()
    assert choose(cnn, 20) == 8
    assert choose(cnn, 20, threads=4) == 2
    assert choose(cnn, 20, threads=16) == 1
    assert choose(cnn, 3) == 3
    assert choose(FFNConfig(), 25) == 1, "done sooner than a process starts"
    assert choose(FFNConfig(), 640) == 8


def test_memory_limits_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "usable_cores", lambda: 64)
    monkeypatch.setattr(planning, "available_memory", lambda: 16 * 2**30)
    large = CNNConfig(pooling=False, padding=False)  # 74 million weights
    assert 2 <= choose(large, 64) <= 4
    monkeypatch.setattr(planning, "available_memory", lambda: 2**30)
    assert choose(large, 64) == 1


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    assert available_memory(tmp_path) == 8000 * 1024
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("1000\n")
    assert available_memory(tmp_path) == 8000 * 1024
    (group / "memory.max").write_text("5000\n")
    assert available_memory(tmp_path) == 4000
    assert available_memory() > 2**20


def test_networks_that_no_memory_holds_are_refused() -> None:
    def cohorts(network: NetworkConfig) -> tuple[Cohort, ...]:
        return plan_cohorts([("none", Trial(network, TrainingConfig(), 1, "x"))], "cpu", SIZE)

    large = CNNConfig(pooling=False, padding=False, dense=(100_000,))
    with pytest.raises(
        RunError, match=r"^the variant none needs \d+ GB of memory at least for rows"
    ):
        check_memory(cohorts(large), "cpu", SIZE)
    check_memory(cohorts(large), "cuda", SIZE)  # `plan_cohorts` has looked at that of the GPU
    check_memory(cohorts(CNNConfig(filters=(1,), dense=(1,))), "cpu", SIZE)
    check_memory(cohorts(FFNConfig()), "cpu", replace(SIZE, shapes={"mfcc": (40,)}))
