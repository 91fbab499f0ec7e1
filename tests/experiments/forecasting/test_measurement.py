"""Measuring what a forecast lacks: small kinds, really trained."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.design.plan import StudyOptions, make_plan
from experiments.design.trial import Trial
from experiments.forecasting import measurement
from experiments.forecasting.calibration import calibrate, describe
from experiments.forecasting.forecast import forecast
from experiments.forecasting.measurement import (
    COMPANION,
    calm,
    measure,
    measure_beside,
    rows_to_measure,
)
from experiments.forecasting.timing_keys import Conditions
from experiments.forecasting.timings import Timing, Timings
from experiments.studies import STUDIES
from experiments.training.cohorts import Cohort, plan_cohorts
from networks.models.config import (
    CNNConfig,
    EarlyStoppingConfig,
    FFNConfig,
    NetworkConfig,
    ScheduleConfig,
    TrainingConfig,
)
from tests.support.inline_pool import InlinePool

CPU = Conditions("cpu")
TINY = FFNConfig(hidden=(4,))
# Would end early, or in numbers without bounds, if it were trained as it stands.
WILD = TrainingConfig("sgd", 100.0, 1, early_stopping=EarlyStoppingConfig(patience=1))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENRE_TUI_CACHE", str(tmp_path / "cache"))


def cohort(members: int, network: NetworkConfig = TINY, training: TrainingConfig = WILD) -> Cohort:
    return Cohort(tuple(("name", Trial(network, training, seed, "x")) for seed in range(members)))


def run(cohorts: list[Cohort], said: list[str], **more: Any) -> Timings:
    return calibrate(cohorts, "cpu", 1, "float32", said.append, **{"pool": InlinePool} | more)


def no_pool(*args: Any, **more: Any) -> None:
    raise AssertionError("a process is started")


def test_what_is_missing_is_measured_and_kept() -> None:
    said: list[str] = []
    timings = run([cohort(2), cohort(3), cohort(2)], said)
    assert said == [
        "starting a process that trains",
        "1 of 2: 2 FFNs, hidden=(4,), sgd, batches of 16",
        "2 of 2: 3 FFNs, hidden=(4,), sgd, batches of 16",
    ]
    timing = timings.of(cohort(3))
    assert timing is not None
    assert timing.members == 3
    assert min(timing.row, timing.finish) > 0
    assert timings.start_up is not None
    assert forecast([cohort(2), cohort(3)], (100, 40), 1, timings) is not None

    said.clear()
    assert run([cohort(2)], said, pool=no_pool).of(cohort(2)) == timings.of(cohort(2))
    assert said == []


@pytest.mark.slow
def test_in_a_process_of_its_own() -> None:
    timings = calibrate([cohort(1)], "cpu", 1, "float32", lambda _: None)
    assert timings.missing([cohort(1)]) == ()
    assert timings.start_up is not None


def test_what_cannot_be_trained_is_still_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    train = measurement._train

    def fail(cohort: Cohort, *args: Any, **more: Any) -> Any:
        if len(cohort.trials) == 2:
            raise MemoryError("no room")
        return train(cohort, *args, **more)

    monkeypatch.setattr(measurement, "_train", fail)
    said: list[str] = []
    timings = run([cohort(2), cohort(1)], said)
    assert timings.missing([cohort(2), cohort(1)]) == (cohort(2),)
    assert "not measured: no room" in said


def test_a_network_whose_loss_is_not_finite_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "_SLOWER", 1e30)
    with pytest.raises(RuntimeError, match="loss is not finite"):
        measure(cohort(1), CPU)


def test_a_cache_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENRE_TUI_CACHE", str(tmp_path / "file"))
    said: list[str] = []
    timings = run([cohort(1)], said)
    assert timings.missing([cohort(1)]) == ()
    assert any("cannot be written" in line for line in said)


def test_processes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Company is measured once for as many processes, beside the companion alone."""
    asked: list[int] = []

    def together(conditions: Conditions, folder: Path, workers: int) -> float:
        asked.append(workers)
        return 0.003

    def alone(cohort: Cohort, conditions: Conditions) -> Timing:
        return Timing(0.002, 1.0, 0.1, len(cohort.trials), 3, "")

    monkeypatch.setattr("experiments.forecasting.calibration.measure_beside", together)
    monkeypatch.setattr("experiments.forecasting.calibration.measure", alone)
    monkeypatch.setattr("experiments.forecasting.calibration.start", lambda conditions: 3.0)
    timings = run([cohort(1)], [], workers=2)
    assert asked == [2, 2]
    assert timings.company is not None
    assert timings.company.workers == 2
    assert timings.company.factor == pytest.approx(1.5)
    assert timings.missing([COMPANION]) == ()
    run([cohort(1)], [], workers=2)
    assert asked == [2, 2]
    run([cohort(1)], [], workers=3)
    assert asked == [2, 2, 3, 3, 3]


def test_everyone_trains_while_company_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two that train at once, in threads; then one whose company does not come."""
    monkeypatch.setattr(measurement, "COMPANION", cohort(1))
    monkeypatch.setattr(measurement, "_set_up", lambda conditions: None)
    names = iter(range(10))
    monkeypatch.setattr(measurement.os, "getpid", lambda: next(names))
    lock, found = threading.Lock(), list[float]()

    def epochs(*_: Any, after_epoch: Any, **more: Any) -> None:
        for epoch in range(10**6):
            time.sleep(0.002)
            if after_epoch(epoch, None):
                return

    def one() -> None:
        seconds = measure_beside(Conditions("cpu", threads=2), tmp_path, 2)
        with lock:
            found.append(seconds)

    monkeypatch.setattr(measurement, "_train", epochs)
    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert len(found) == 2
    rows = 1600 + 400 / 3
    assert min(found) >= 0.002 / rows
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".may-end"] * 2 + [".trains"] * 2

    monkeypatch.setattr(measurement, "_LONGEST_WAIT", 0.05)
    with pytest.raises(RuntimeError, match="4 processes did not train at once"):
        measure_beside(CPU, tmp_path, 4)


@pytest.mark.parametrize(
    ("network", "batch", "device", "rows"),
    [
        (FFNConfig(), 16, "cpu", (1600, 400)),
        (FFNConfig(), 1, "cpu", (100, 25)),
        (FFNConfig(), 1024, "cpu", (4096, 1024)),
        (CNNConfig(), 16, "cpu", (128, 32)),
        (CNNConfig(), 1, "cpu", (48, 12)),
        (CNNConfig(pooling=False, padding=False), 16, "cpu", (32, 8)),
        (CNNConfig(), 16, "cuda", (1600, 400)),
    ],
)
def test_rows_that_are_enough(
    network: NetworkConfig, batch: int, device: str, rows: tuple[int, int]
) -> None:
    one = cohort(1, network, TrainingConfig(batch_size=batch))
    assert rows_to_measure(one, device) == rows


@pytest.mark.parametrize("name", list(STUDIES))
def test_what_is_measured_is_what_trains(name: str) -> None:
    """Nothing that decides the cost of a step is changed by measuring it."""
    plan = make_plan(STUDIES[name], StudyOptions("controlled"), "x")
    for planned in plan_cohorts(plan.trials, "cpu", 4):
        for _, trial in planned.trials:
            training = calm(trial.training, 4)
            assert training.early_stopping is None
            assert (
                replace(
                    training,
                    epochs=trial.training.epochs,
                    learning_rate=trial.training.learning_rate,
                    early_stopping=trial.training.early_stopping,
                    schedule=trial.training.schedule,
                )
                == trial.training
            )


def test_a_peak_is_as_much_less_as_the_rate() -> None:
    cycle = ScheduleConfig("one_cycle", "step", max_learning_rate=0.5)
    training = calm(TrainingConfig(learning_rate=0.1, schedule=cycle), 4)
    assert training.learning_rate == pytest.approx(1e-4)
    assert training.schedule.max_learning_rate == pytest.approx(5e-4)
    assert replace(training.schedule, max_learning_rate=0.5) == cycle


def test_a_cohort_in_a_phrase() -> None:
    assert describe(cohort(1, CNNConfig(), TrainingConfig())) == "CNN, adam, batches of 16"
    drops = FFNConfig(dropout=0.5, batch_norm=True)
    assert describe(cohort(2, drops)) == (
        "2 FFNs, batch_norm=True, dropout=0.5, sgd, batches of 16"
    )
