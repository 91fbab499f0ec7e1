"""How busy a process says it is."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.training.device import ResourceUsage
from tests.support.faults import STUDY
from tests.support.inline_pool import events_of, run_inline


def test_the_processor_is_asked_about_since_the_last_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = {"wall": 10.0, "cpu": 3.0}
    monkeypatch.setattr(time, "perf_counter", lambda: clock["wall"])
    monkeypatch.setattr(time, "process_time", lambda: clock["cpu"])
    usage = ResourceUsage("cpu")
    assert usage.cpu() == 0.0  # no time has passed
    clock.update(wall=14.0, cpu=5.0)
    assert usage.cpu() == 0.5
    clock.update(wall=15.0, cpu=7.0)
    assert usage.cpu() == 2.0
    assert usage.gpu() is None


def test_the_gpu_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    shares, clock = iter((40, 90)), {"now": 5.0}
    monkeypatch.setattr(time, "monotonic", lambda: clock["now"])
    cuda = SimpleNamespace(utilization=lambda: next(shares))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    usage = ResourceUsage("cuda")
    assert usage.gpu() == 0.4
    clock["now"] = 5.5
    assert usage.gpu() == 0.4
    clock["now"] = 6.0
    assert usage.gpu() == 0.9


def test_where_nothing_tells_of_the_gpu_it_is_asked_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def refuse() -> int:
        asked.append(1)
        raise ModuleNotFoundError("nvidia-ml-py is missing")

    cuda = SimpleNamespace(utilization=refuse)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    usage = ResourceUsage("cuda")
    monkeypatch.setattr("experiments.training.device._GPU_PAUSE", 0.0)
    assert usage.gpu() is None
    assert usage.gpu() is None
    assert asked == [1]


def test_events_of_epochs_tell_it(tmp_path: Path) -> None:
    run = run_inline(tmp_path, STUDY, seeds=1, epochs=2)
    reported = events_of(run, "epoch")
    assert reported
    assert all(0 <= event["cpu"] < 64 and "gpu" not in event for event in reported)
