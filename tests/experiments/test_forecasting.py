"""How long a run will take: by hand from made-up costs and factors, learned, and measured."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.errors import DataError
from experiments import forecasting
from experiments.design.dataset_size import DatasetSize
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.forecasting import (
    Forecast,
    cache_folder,
    correct_factors,
    forecast,
    learn,
    read_factors,
)
from experiments.runs.checksums import dumps, loads
from experiments.studies import STUDIES
from experiments.training.cohorts import Cohort
from networks.models.config import EarlyStoppingConfig, FFNConfig, TrainingConfig
from networks.models.multiply_adds import training_multiplications, weights

CPU = Computing("cpu")
SGD = TrainingConfig("sgd", batch_size=10)
SIZE = DatasetSize(100, 30)  # 10 steps; cost as many products as 110 train rows
FFN = FFNConfig(hidden=(2,))  # 2 * (26 * 2 + 2 * 4) + 2 * 4 = 128 products; 60 weights
EPOCH = 10 * 3.0 + 128 * 110 * 0.001 + 10 * 60 * 0.01  # 50.08 s


@pytest.fixture(autouse=True)
def costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up costs, in seconds, and four cores."""
    made_up = {
        ("ffn", "cpu"): forecasting._Costs(3.0, 0.001, 0.01, 5.0),
        ("cnn", "cpu"): forecasting._Costs(1.0, 1e-6, 1e-5, 7.0),
    }
    monkeypatch.setattr(forecasting, "_COSTS", made_up)
    monkeypatch.setattr(forecasting, "START_UP", 20.0)
    monkeypatch.setattr(forecasting, "_TRIAL", 0.5)
    monkeypatch.setattr(forecasting, "_TRIAL_WEIGHT", 0.1)  # 6.5 s a trial
    monkeypatch.setattr(forecasting, "usable_cores", lambda: 4)


def cohort(epochs: int, members: int = 1, **training: Any) -> Cohort:
    made = Trial(FFN, replace(SGD, epochs=epochs, **training), 0, "x")
    return Cohort(tuple(("name", replace(made, seed=seed)) for seed in range(members)))


def seconds(cohorts: list[Cohort], workers: int = 1, threads: int = 1) -> float:
    computing = Computing("cpu", threads, workers)
    return forecasting._seconds_of(cohorts, computing, SIZE)[0]


def keep(**factors: float) -> None:
    correct_factors(CPU, factors)


def test_the_costs_of_an_epoch_by_hand() -> None:
    assert training_multiplications(FFN, 4) == 128
    assert weights(FFN, 4) == 60
    trial = cohort(1).trials[0][1]

    def epoch(network: Any = FFN, members: int = 1, **training: Any) -> float:
        changed = replace(trial, network=network, training=replace(SGD, **training))
        return forecasting.estimate_epoch(changed, members, "cpu", SIZE)

    assert epoch() == pytest.approx(EPOCH) == pytest.approx(50.08)
    assert epoch(members=3) == pytest.approx(30 + 3 * 20.08), "a step of a cohort costs once"
    assert epoch(batch_size=30) == pytest.approx(4 * 3 + 14.08 + 4 * 0.6), "the last is smaller"
    assert epoch(optimizer="adam") == pytest.approx(30 + 14.08 + 6 * 6)
    assert epoch(optimizer="rprop") == pytest.approx(30 + 14.08 + 24 * 6)
    normed = replace(FFN, batch_norm=True, dropout=0.5)
    assert epoch(normed) == pytest.approx(30 + 14.08 * 2.4 + 6)
    assert epoch(replace(FFN, activation="prelu")) == pytest.approx(30 + 14.08 * 1.5 + 6)


def test_one_worker_trains_one_after_another() -> None:
    one = 5 + 10 * EPOCH + 6.5
    assert seconds([cohort(10)]) == pytest.approx(20 + one)
    assert seconds([cohort(10), cohort(2)]) == pytest.approx(20 + one + 5 + 2 * EPOCH + 6.5)
    assert seconds([cohort(10, 3)]) == pytest.approx(20 + 5 + 10 * (30 + 3 * 20.08) + 3 * 6.5)


def test_workers_take_the_next_as_they_become_free() -> None:
    keep(shared=1.0)
    ten, four, seven = (5 + n * EPOCH + 6.5 for n in (10, 4, 7))
    cohorts = [cohort(10), cohort(4), cohort(7)]
    assert seconds(cohorts, 2) == pytest.approx(20 + max(ten, four + seven))
    assert seconds([cohorts[1], cohorts[2], cohorts[0]], 2) == pytest.approx(20 + four + ten)
    assert seconds(cohorts, 3) == pytest.approx(20 + ten)


def test_processes_at_once_are_slower() -> None:
    alone = seconds([cohort(10)])
    assert seconds([cohort(10)] * 2, 2) == pytest.approx(alone * 1.15), "not measured"
    keep(shared=1.5)
    assert seconds([cohort(10)] * 2, 2) == pytest.approx(alone * 1.5)
    assert seconds([cohort(10)] * 8, 8) == pytest.approx(alone * 1.5 * 2), "they share four cores"
    assert seconds([cohort(10)] * 4, 4, threads=2) == pytest.approx(alone * 1.15 * 2)


def test_factors_of_this_machine() -> None:
    keep(start_up=0.5, ffn=3.0, cnn=100.0)
    assert seconds([cohort(10)]) == pytest.approx(10 + 3 * (5 + 10 * EPOCH + 6.5))


def test_a_study_is_rough_until_its_kind_of_network_is_known() -> None:
    study, options = STUDIES["ffn-baseline"], StudyOptions("documented", seeds=3)
    rough = forecast(study, options, CPU)
    assert (rough.is_rough, rough.at_most, rough.trials, rough.workers) == (True, False, 3, 1)
    keep(cnn=1.0)
    assert forecast(study, options, CPU) == rough
    keep(ffn=1.0)
    assert forecast(study, options, CPU) == replace(rough, is_rough=False)
    assert forecast(study, options, replace(CPU, precision="bfloat16")).is_rough
    quick = forecast(study, StudyOptions("controlled", quick=True), CPU)
    assert quick.left_out
    with pytest.raises(RunError, match="--quick"):
        forecast(study, StudyOptions("documented", quick=True), CPU)


def test_early_stopping_makes_it_the_longest_it_may_take() -> None:
    study = STUDIES["ffn-baseline"]
    stops = tuple(
        replace(variant, training=replace(variant.training, early_stopping=EarlyStoppingConfig()))
        for variant in study.variants
    )
    assert not forecast(study, StudyOptions(), CPU).at_most
    assert forecast(replace(study, variants=stops), StudyOptions(), CPU).at_most


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *[(0.2, "1 s"), (42.6, "43 s"), (119, "119 s"), (119.6, "2 min"), (250, "4 min")],
        *[(3569, "59 min"), (3571, "1:00 h"), (4100, "1:10 h"), (366_000, "101:40 h")],
    ],
)
def test_as_text(seconds: float, text: str) -> None:
    assert Forecast(seconds).text == f"about {text}"
    assert Forecast(seconds, at_most=True).text == f"up to {text}"
    assert Forecast(seconds, is_rough=True, at_most=True).text == f"roughly {text}"
    cells = [Forecast(seconds, rough, most).cell for rough, most in ((0, 0), (0, 1), (1, 1))]
    assert cells == [text, f"≤{text}", f"~{text}"]


def test_factors_are_kept_for_one_machine_and_move_half_the_way() -> None:
    keep(ffn=2.0, start_up=1.5)
    assert read_factors(CPU) == {"start_up": 1.5, "ffn": 2.0}
    keep(ffn=8.0)
    assert read_factors(CPU) == {"start_up": 1.5, "ffn": pytest.approx(4.0)}
    for other in (Computing("cuda"), Computing("cpu", 2), Computing("cpu", precision="bfloat16")):
        assert read_factors(other) == {}
        correct_factors(other, {"cnn": 1.0})
        assert read_factors(other) == {"cnn": 1.0}
    assert read_factors(CPU)["start_up"] == 1.5
    keep(cnn=1e-30)
    assert read_factors(CPU)["cnn"] == 1e-4, "no factor is out of bounds"


@pytest.mark.parametrize(
    "other",
    [("processor_name", lambda: "other"), ("usable_cores", lambda: 3)],
    ids=["cpu", "cores"],
)
def test_another_machine_begins_anew(other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(ffn=2.0)
    monkeypatch.setattr(forecasting, *other)
    assert read_factors(CPU) == {}


def test_another_version_of_torch_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(ffn=2.0)
    monkeypatch.setattr(forecasting, "versions", lambda: {"keras": "3.0", "torch": "9.9"})
    assert read_factors(CPU) == {}


def test_the_oldest_machines_are_forgotten() -> None:
    for threads in range(1, 70):
        correct_factors(Computing("cpu", threads), {"ffn": 1.0})
    assert [read_factors(Computing("cpu", n)) for n in (5, 6)] == [{}, {"ffn": 1.0}]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b"[" * 100_000, "cut", "other"])
def test_a_damaged_file_is_written_anew(damage: bytes | str) -> None:
    keep(ffn=2.0)
    path = cache_folder() / "timings.json"
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[:-9])
    elif damage == "other":
        path.write_bytes(dumps({"schema_version": 1, "machines": {"a": {"kinds": {}}}}))
    else:
        assert isinstance(damage, bytes)
        path.write_bytes(damage)
    assert read_factors(CPU) == {}
    keep(ffn=2.0)
    assert path.read_bytes() == content


@pytest.mark.parametrize("value", [0, -1.0, 1e5, "1", None, [1], {}])
def test_factors_that_cannot_be_count_as_none(value: object) -> None:
    keep(ffn=2.0, cnn=3.0)
    path = cache_folder() / "timings.json"
    plain = loads(path.read_bytes())
    (factors,) = plain["machines"].values()
    factors["ffn"] = value
    path.write_bytes(dumps(json.loads(json.dumps(plain))))
    assert read_factors(CPU) in ({"cnn": 3.0}, {})


def test_writers_at_once_lose_nothing() -> None:
    script = """
import sys
from experiments.design.request import Computing
from experiments.forecasting import correct_factors
for n in range(20):
    correct_factors(Computing("cpu", 1 + 2 * n + int(sys.argv[1])), {"ffn": 1.0})
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", script, str(n)], cwd=Path(__file__).parents[2])
        for n in (0, 1)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    machines = loads((cache_folder() / "timings.json").read_bytes())["machines"]
    assert len(machines) == 40


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENRE_TUI_CACHE", str(tmp_path / "file"))
    assert read_factors(CPU) == {}
    with pytest.raises(DataError, match="cannot be written"):
        keep(ffn=1.0)


def test_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENRE_TUI_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("GENRE_TUI_CACHE")
    assert cache_folder().name == "genre-tui"


def test_a_run_teaches_its_kind_of_network() -> None:
    one, two = cohort(3), cohort(4, 2)
    taken = {one.trials[0][1].id: [9.0 * EPOCH, 2.0 * EPOCH, 2.0 * EPOCH]}  # the first is not usual
    # One of two has left after the first epoch.
    both = 30 + 2 * 20.08
    first, second = (trial.id for _, trial in two.trials)
    taken[first], taken[second] = [4 * both, 4 * EPOCH, 4 * EPOCH], [4 * both]
    learn([one], taken, CPU, SIZE)
    assert read_factors(CPU) == {"ffn": pytest.approx(2.0)}
    learn([two], taken, replace(CPU, workers=1), SIZE)
    assert read_factors(CPU) == {"ffn": pytest.approx((2 * 4) ** 0.5)}


def test_what_processes_cost_each_other_is_not_counted_twice() -> None:
    keep(shared=1.5)
    one = cohort(2)
    taken = {one.trials[0][1].id: [3.0 * EPOCH] * 2}
    learn([one], taken, replace(CPU, workers=2), SIZE)
    assert read_factors(CPU) == {"ffn": pytest.approx(2.0), "shared": 1.5}
    learn([one], taken, replace(CPU, workers=8), SIZE)
    assert read_factors(CPU)["ffn"] == pytest.approx((2.0 * 1.0) ** 0.5)


def test_what_other_programs_take_of_the_cores_is_left_out() -> None:
    one = cohort(2)
    (trial,) = (trial.id for _, trial in one.trials)
    taken, busy = {trial: [6.0 * EPOCH] * 2}, {trial: (50.0, 100.0)}
    learn([one], taken, CPU, SIZE, busy)
    assert read_factors(CPU) == {"ffn": pytest.approx(3.0)}
    learn([one], taken, replace(CPU, threads=2), SIZE, {trial: (190.0, 100.0)})
    assert read_factors(replace(CPU, threads=2)) == {"ffn": pytest.approx(6.0)}


def test_short_and_missing_trainings_teach_nothing() -> None:
    one = cohort(2)
    learn([one], {one.trials[0][1].id: [0.4, 0.5]}, CPU, SIZE)
    learn([one], {}, CPU, SIZE)
    learn([], {}, CPU, SIZE)
    assert read_factors(CPU) == {}
