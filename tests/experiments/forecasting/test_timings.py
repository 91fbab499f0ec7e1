"""What is kept of measurements, for whom, and which cohorts count as alike."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from experiments.design.trial import Trial
from experiments.forecasting import timing_keys
from experiments.forecasting.timing_keys import kind_of, size_class
from experiments.forecasting.timings import Company, Conditions, Timing, Timings, cache_folder
from experiments.runs import checksums
from experiments.training.cohorts import Cohort
from networks.models.config import (
    CNNConfig,
    EarlyStoppingConfig,
    FFNConfig,
    NetworkConfig,
    ScheduleConfig,
    TrainingConfig,
)

CPU = Conditions("cpu")
FFN, SGD = FFNConfig(), TrainingConfig(optimizer="sgd")
TIMING = Timing(0.002, 0.5, 0.1, 1, 3, "2026-01-02T03:04:05+00:00")


def cohort(
    members: int = 1,
    network: NetworkConfig = FFN,
    training: TrainingConfig = SGD,
    device: Any = None,
) -> Cohort:
    return Cohort(
        tuple(("name", Trial(network, training, seed, "x", device)) for seed in range(members))
    )


def test_what_is_kept_is_there_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "timings.json"
    company = Company(2, 1.25, "2026-01-02T03:04:05+00:00")
    timings = Timings(CPU, path)
    assert timings.start_up is timings.company is timings.of(cohort()) is None
    assert timings.missing([cohort(), cohort(2), cohort()]) == (cohort(), cohort(2))
    timings.keep(cohort(), TIMING)
    timings.keep_start_up(3.5)
    timings.keep_company(company)
    for again in (timings, Timings(CPU, path)):
        assert again.of(cohort()) == TIMING
        assert again.start_up == 3.5
        assert again.company == company
        assert again.missing([cohort(), cohort(2)]) == (cohort(2),)
    assert [file.name for file in path.parent.iterdir()] == ["timings.json"]


def test_two_who_measure_at_once_keep_both(tmp_path: Path) -> None:
    path = tmp_path / "timings.json"
    one, other = Timings(CPU, path), Timings(CPU, path)
    one.keep(cohort(), TIMING)
    other.keep(cohort(2), TIMING)
    assert Timings(CPU, path).missing([cohort(), cohort(2)]) == ()


@pytest.mark.parametrize(
    "other",
    [
        Conditions("cuda"),
        Conditions("cpu", threads=2),
        Conditions("cpu", precision="bfloat16"),
    ],
)
def test_conditions_are_kept_apart(tmp_path: Path, other: Conditions) -> None:
    path = tmp_path / "timings.json"
    Timings(CPU, path).keep(cohort(), TIMING)
    assert Timings(other, path).of(cohort()) is None
    faster = replace(TIMING, row=0.001)
    Timings(other, path).keep(cohort(), faster)
    assert Timings(other, path).of(cohort()) == faster
    assert Timings(CPU, path).of(cohort()) == TIMING, "what others measured stays"


@pytest.mark.parametrize("package", ["torch", "keras", "genre-tui"])
def test_other_versions_and_machines_are_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    path = tmp_path / "timings.json"
    Timings(CPU, path).keep(cohort(), TIMING)
    known = timing_keys.versions()
    with monkeypatch.context() as patch:
        patch.setattr(timing_keys, "versions", lambda: known | {package: "0.0"})
        assert Timings(CPU, path).of(cohort()) is None
    with monkeypatch.context() as patch:
        patch.setattr(timing_keys, "processor_name", lambda: "another")
        assert Timings(CPU, path).of(cohort()) is None
    with monkeypatch.context() as patch:
        (tmp_path / "0").mkdir()
        (tmp_path / "0" / "information").write_text("Model: \t NVIDIA H100\nIRQ: 7\n")
        patch.setattr(timing_keys, "_GPUS", tmp_path)
        assert "NVIDIA H100" in CPU.machine
        assert Timings(CPU, path).of(cohort()) is None
    assert Timings(CPU, path).of(cohort()) == TIMING


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"{}",
        checksums.dumps({"schema_version": 2, "machines": {}}),
        checksums.dumps({"schema_version": 1, "machines": []}),
        checksums.dumps({"schema_version": 1}),
    ],
)
def test_a_damaged_or_foreign_file_counts_as_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "timings.json"
    path.write_bytes(content)
    timings = Timings(CPU, path)
    assert timings.missing([cohort()]) == (cohort(),)
    timings.keep(cohort(), TIMING)
    assert Timings(CPU, path).of(cohort()) == TIMING


def test_a_file_that_was_cut_or_changed_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "timings.json"
    Timings(CPU, path).keep(cohort(), TIMING)
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[: len(whole) // 2], whole.replace(b"0.002", b"0.003")):
        path.write_bytes(damaged)
        assert Timings(CPU, path).of(cohort()) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("row", -1.0),
        ("row", "fast"),
        ("row", True),
        ("set_up", None),
        ("finish", 10**400),
        ("members", 0),
        ("repeats", 2.5),
        ("unknown", 1),
    ],
)
def test_numbers_that_cannot_be_count_as_none(tmp_path: Path, name: str, value: object) -> None:
    path = tmp_path / "timings.json"
    Timings(CPU, path).keep(cohort(), TIMING)
    plain = checksums.loads(path.read_bytes())
    (kind,) = plain["machines"][CPU.machine]["kinds"].values()
    kind[name] = value
    path.write_bytes(checksums.dumps(json.loads(json.dumps(plain))))
    assert Timings(CPU, path).of(cohort()) is None


def test_what_cannot_be_written_is_known_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    timings = Timings(CPU, tmp_path / "file" / "timings.json")
    with pytest.raises(DataError, match="cannot be written"):
        timings.keep(cohort(), TIMING)
    assert timings.of(cohort()) == TIMING


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENRE_TUI_CACHE", str(tmp_path))
    Timings(CPU).keep(cohort(), TIMING)
    assert (tmp_path / "timings.json").is_file()
    monkeypatch.delenv("GENRE_TUI_CACHE")
    assert cache_folder().name == "genre-tui"


def test_seconds_of_a_cohort_by_hand() -> None:
    timing = Timing(row=0.01, set_up=2.0, finish=0.5, members=40, repeats=3, measured="")
    # An epoch of 90 + 30 / 3 = 100 rows takes 1 s.
    assert timing.seconds(40, 5, (90, 30)) == pytest.approx(5 + 2 + 20)
    assert timing.seconds(38, 5, (90, 30)) == pytest.approx((5 + 2) * 38 / 40 + 19)


def test_company_is_interpolated_by_hand(tmp_path: Path) -> None:
    timings = Timings(CPU, tmp_path / "timings.json")
    assert timings.slowdown(2) == 1.0
    timings.keep_company(Company(5, 1.4, ""))
    assert [timings.slowdown(n) for n in (1, 2, 3, 5)] == pytest.approx([1.0, 1.1, 1.2, 1.4])
    timings.keep_company(Company(2, 0.9, ""))
    assert timings.slowdown(2) == 1.0, "nobody is faster for company"


def test_sizes() -> None:
    assert [size_class(n) for n in (1, 7, 16, 17, 18, 31, 33, 40, 64, 65, 200)] == [
        *(1, 7, 16, 18, 18, 32, 36, 40, 64, 72, 208)
    ]
    for members in range(1, 300):
        assert members <= size_class(members) <= members * 9 / 8


def test_what_counts_as_alike_and_what_does_not() -> None:
    alone, kind = cohort(), kind_of(cohort(), "cpu")
    assert kind_of(cohort(), "cpu") == kind
    assert len(kind) == 16
    for training in (
        replace(SGD, epochs=3, keep="best"),
        replace(SGD, learning_rate=0.1),
        replace(SGD, early_stopping=EarlyStoppingConfig()),
        replace(SGD, schedule=ScheduleConfig("cosine")),
    ):
        assert kind_of(cohort(training=training), "cpu") == kind, training
    assert kind_of(cohort(network=FFNConfig(initializer="he_normal")), "cpu") == kind
    assert kind_of(cohort(device="cpu"), "cpu") == kind
    step = ScheduleConfig("cosine", stepping="step")
    others = [
        kind_of(alone, "cuda"),
        kind_of(cohort(device="cuda"), "cpu"),
        kind_of(cohort(2), "cpu"),
        kind_of(cohort(network=CNNConfig()), "cpu"),
        kind_of(cohort(network=FFNConfig(dropout=0.5)), "cpu"),
        kind_of(cohort(training=replace(SGD, optimizer="adam")), "cpu"),
        kind_of(cohort(training=replace(SGD, batch_size=32)), "cpu"),
        kind_of(cohort(training=replace(SGD, l2=0.1)), "cpu"),
        kind_of(cohort(training=replace(SGD, schedule=step)), "cpu"),
    ]
    assert others[0] == others[1]
    assert kind not in others
    assert len(set(others)) == len(others) - 1
    # Neighbours of one rate move together.
    fast, slow = cohort(1, training=replace(SGD, learning_rate=0.1)).trials, cohort(1).trials
    assert kind_of(Cohort(fast + fast + slow + slow), "cpu") == kind_of(
        Cohort(slow + fast + fast + fast), "cpu"
    )
    assert kind_of(Cohort(fast + slow), "cpu") != kind_of(cohort(2), "cpu")


def test_a_kind_has_the_same_name_in_every_process() -> None:
    script = (
        "from tests.experiments.forecasting.test_timings import *; print(kind_of(cohort(3), 'cpu'))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parents[3],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{kind_of(cohort(3), 'cpu')}\n"}
