"""Measuring how fast this machine trains, in this process."""

from typing import Any

import pytest

from experiments import machine_speed
from experiments.design.request import Computing
from experiments.design.trial import Trial
from experiments.forecasting import correct_factors, read_factors
from experiments.machine_speed import measure
from networks.models.config import CNNConfig, FFNConfig, TrainingConfig
from tests.support.inline_pool import InlinePool

CPU = Computing("cpu")
FFN, SGD = FFNConfig(hidden=(2,)), TrainingConfig("sgd", batch_size=10)


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_speed, "START_UP", 20.0)
    monkeypatch.setattr(machine_speed, "usable_cores", lambda: 4)


def test_what_is_not_known_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {
        "ffn": (Trial(FFN, SGD, 0, ""), 3, 3),
        "cnn": (Trial(CNNConfig(filters=(1,), dense=(2,)), SGD, 0, ""), 2, 2),
    }
    monkeypatch.setattr(machine_speed, "_PROBES", tiny)
    correct_factors(CPU, {"cnn": 7.0})
    messages: list[str] = []
    measure(CPU, messages.append, InlinePool)
    assert messages == [
        "starting processes that train",
        "one process that trains",
        "4 processes at once",
    ]
    factors = read_factors(CPU)
    assert set(factors) == {"start_up", "ffn", "cnn", "shared"}
    assert factors["cnn"] == 7.0, "what is known stays"
    assert factors["shared"] >= 1.0

    def no_pool(*args: Any, **more: Any) -> None:
        raise AssertionError("a process is started")

    measure(CPU, messages.append, no_pool)
    assert len(messages) == 3
    assert read_factors(CPU) == factors


def test_what_is_measured_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds a start; four a step of whatever is trained, eight beside others."""
    alone, usual = iter([True, True]), {"ffn": 80, "cnn": 48}

    def train(trial: Trial, computing: Computing, steps: int, epochs: int) -> list[float]:
        step = 4.0 if next(alone, False) else 8.0
        return [99.0] + [step * steps] * (epochs - 1)

    monkeypatch.setattr(machine_speed, "_train", train)
    monkeypatch.setattr(machine_speed, "_start", lambda computing: 2.0)
    monkeypatch.setattr(
        machine_speed, "estimate_epoch", lambda trial, *_: usual[trial.network.kind]
    )
    measure(CPU, lambda _: None, InlinePool)
    assert read_factors(CPU) == {"start_up": 0.1, "ffn": 10.0, "cnn": 1.0, "shared": 2.0}


def test_measuring_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise MemoryError("no room")

    monkeypatch.setattr(machine_speed, "_train", fail)
    messages: list[str] = []
    measure(CPU, messages.append, InlinePool)
    assert messages[-1] == "not measured: no room"
    assert read_factors(CPU) == {}


@pytest.mark.slow
def test_measured_in_processes_of_their_own() -> None:
    measure(CPU, print)
    assert {"start_up", "ffn", "cnn"} <= read_factors(CPU).keys()
