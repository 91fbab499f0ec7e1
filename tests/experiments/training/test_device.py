"""The device that trains: how busy it is, and what it is slow at."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.errors import RunError
from experiments.training.device import ResourceUsage, multiplies_bfloat16, probe
from tests.support.faults import STUDY
from tests.support.inline_pool import InlinePool, events_of, resume_inline, run_inline


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


INTEL = {"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": False}


@pytest.mark.parametrize(
    ("known", "fast"),
    [
        (INTEL, False),
        (INTEL | {"avx512_bf16": True}, True),
        (INTEL | {"amx_bf16": True}, True),
        ({"architecture": "aarch64"}, True),
        ({}, True),
    ],
)
def test_a_precision_that_the_cpu_is_slow_at_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: dict[str, object], fast: bool
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: known, raising=False)
    assert multiplies_bfloat16() is fast
    if fast:
        assert probe("cpu", 1, "bfloat16", False).device == "cpu"
        return
    with pytest.raises(RunError, match=r"ten times slower than float32\. Use float32, or"):
        run_inline(tmp_path, STUDY, precision="bfloat16")
    assert probe("cpu", 1, "bfloat16", True).device == "cpu"
    assert probe("cpu", 1, "float32", False).device == "cpu"


def test_more_threads_than_cores_are_refused_and_a_smaller_machine_takes_fewer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in ("design.request", "training.training_job"):
        monkeypatch.setattr(f"experiments.{module}.usable_cores", lambda: 2)
    with pytest.raises(RunError, match="--threads 1024 is more than the 2 cores that this"):
        run_inline(tmp_path, STUDY, threads=1024)
    run = run_inline(tmp_path, STUDY, threads=2, seeds=1)
    path = tmp_path / "small.h5"
    manifest = run.read_manifest()
    # Somebody else's, of a large machine.
    large = replace(manifest, device=replace(manifest.device, threads=1000, workers=1000))
    run.write_run(large)
    for trial in manifest.trials:
        run.discard_result(trial)
    threads: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", threads.append)
    workers: list[int] = []
    monkeypatch.setattr(InlinePool, "grow", lambda pool, workers_: workers.append(workers_))
    resume_inline(run, path)
    assert set(threads) == {2}
    assert workers == [2]
    assert all(run.is_done(trial) for trial in manifest.trials)
