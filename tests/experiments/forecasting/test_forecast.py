"""How long a run will take, by hand from made-up timings."""

from dataclasses import replace
from pathlib import Path

import pytest

from experiments.design.trial import Trial
from experiments.forecasting import forecast as module
from experiments.forecasting.forecast import Forecast, forecast
from experiments.forecasting.timings import Company, Conditions, Timing, Timings
from experiments.training.cohorts import Cohort
from networks.models.config import EarlyStoppingConfig, FFNConfig, TrainingConfig

ROWS = (90, 30)  # cost as much as 100 train rows
BASE = TrainingConfig()


def cohort(units: int, epochs: int, members: int = 1) -> Cohort:
    """Of a kind of its own for each number of units."""
    network, training = FFNConfig(hidden=(units,)), replace(BASE, epochs=epochs)
    return Cohort(tuple(("name", Trial(network, training, seed, "x")) for seed in range(members)))


@pytest.fixture
def timings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Timings:
    """A second an epoch and row-hundred for 1 unit, two for 2 units; processes start in 3."""
    monkeypatch.setattr(module, "usable_cores", lambda: 4)
    made = Timings(Conditions("cpu"), tmp_path / "timings.json")
    made.keep(cohort(1, 1), Timing(0.01, 0.5, 0.25, 1, 3, ""))
    made.keep(cohort(2, 1), Timing(0.02, 1.0, 0.25, 1, 3, ""))
    made.keep_start_up(3.0)
    return made


def seconds(cohorts: list[Cohort], workers: int, timings: Timings) -> float:
    found = forecast(cohorts, ROWS, workers, timings)
    assert found is not None
    return found.seconds


def test_one_worker_takes_one_after_another(timings: Timings) -> None:
    # 3 + (10 + 0.5 + 0.25) + (2 * 4 + 1 + 0.25)
    assert seconds([cohort(1, 10), cohort(2, 4)], 1, timings) == pytest.approx(23)
    assert seconds([], 2, timings) == pytest.approx(3)


def test_workers_take_the_next_as_they_become_free(timings: Timings) -> None:
    # 10.75 s | 4.75, then 7.75: they end at 13.75 and 15.5. By length it would be 13.75.
    cohorts = [cohort(1, 10), cohort(1, 4), cohort(1, 7)]
    assert seconds(cohorts, 2, timings) == pytest.approx(15.5)
    # In another order: 4.75, then 10.75 | 7.75.
    assert seconds([cohorts[1], cohorts[2], cohorts[0]], 2, timings) == pytest.approx(18.5)
    assert seconds(cohorts, 3, timings) == pytest.approx(13.75)
    assert seconds(cohorts, 9, timings) == pytest.approx(13.75), "no more workers than cohorts"


def test_company_makes_everything_slower(timings: Timings) -> None:
    cohorts = [cohort(1, 10), cohort(1, 4), cohort(1, 7)]
    timings.keep_company(Company(2, 1.2, ""))
    assert seconds(cohorts, 2, timings) == pytest.approx(15.5 * 1.2)
    assert seconds(cohorts, 1, timings) == pytest.approx(3 + 10.75 + 4.75 + 7.75)


def test_processes_that_share_a_core_take_turns(
    timings: Timings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "usable_cores", lambda: 2)
    assert seconds([cohort(1, 10)] * 4, 4, timings) == pytest.approx(13.75 * 2)


def test_the_longest_training_of_a_cohort_counts(timings: Timings) -> None:
    both = Cohort(cohort(3, 2).trials + cohort(3, 8).trials)
    timings.keep(both, Timing(0.01, 0.0, 0.5, 2, 3, ""))
    found = forecast([both], ROWS, 1, timings)
    assert found == Forecast(pytest.approx(3 + 8 + 2 * 0.5), at_most=True)


def test_early_stopping_makes_it_the_longest_it_may_take(timings: Timings) -> None:
    stops = replace(BASE, epochs=10, early_stopping=EarlyStoppingConfig())
    early = Cohort((("name", Trial(FFNConfig(hidden=(1,)), stops, 0, "x")),))
    for cohorts, at_most in (([cohort(1, 10)], False), ([cohort(1, 10), early], True)):
        found = forecast(cohorts, ROWS, 2, timings)
        assert found == Forecast(pytest.approx(13.75), at_most)


def test_what_was_not_measured_has_no_forecast(timings: Timings, tmp_path: Path) -> None:
    unknown = cohort(7, 1)
    assert forecast([cohort(1, 1), unknown], ROWS, 1, timings) is None
    assert timings.missing([cohort(1, 1), unknown]) == (unknown,)
    without_start = Timings(Conditions("cpu"), tmp_path / "other.json")
    without_start.keep(unknown, Timing(0.01, 0.5, 0.25, 1, 3, ""))
    assert forecast([unknown], ROWS, 1, without_start) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (29.4, "29 s"),
        (42.6, "45 s"),
        (89, "90 s"),
        (117.4, "115 s"),
        (117.6, "2 min"),
        (250, "4 min"),
        (3569, "59 min"),
        (3571, "1:00 h"),
        (4100, "1:10 h"),
        (366_000, "101:40 h"),
    ],
)
def test_as_text(seconds: float, text: str) -> None:
    assert Forecast(seconds, at_most=False).text == f"about {text}"
    assert Forecast(seconds, at_most=True).text == f"up to {text}"
