"""Numbers as text."""

from experiments.results.number_format import (
    between,
    mean_std,
    p_value,
    per_cent,
    plural,
    points,
    rate,
    signed,
)
from experiments.runs.trial_result import Spread
from experiments.statistics.intervals import Interval


def test_shares_and_differences() -> None:
    assert per_cent(0.12345) == "12.35"
    assert per_cent(0.12345, 1) == "12.3"
    assert per_cent(None) == points(None) == signed(None) == "–"
    assert points(-0.0123) == "-1.23"
    assert points(0.0123) == "+1.23"
    assert points(-0.000001) == "0.00"
    assert signed(0.5) == "+0.50"


def test_means_with_their_standard_deviations() -> None:
    assert mean_std(Spread((0.5, 0.7))) == "60.00 +- 14.14"
    assert mean_std(Spread((0.5, 0.7)), "±") == "60.00 ± 14.14"
    assert mean_std(Spread((0.5,))) == "50.00"
    assert mean_std(Spread(())) == "–"


def test_intervals() -> None:
    interval = Interval(-0.01, 0.02, 0.95, "t", 5)
    assert between(interval, signed=True) == "-1.00 to +2.00"
    assert between(interval, 1) == "-1.0 to 2.0"
    assert between(None) == "–"


def test_p_values_rates_and_counts() -> None:
    assert p_value(0.0004) == "< 0.001"
    assert p_value(0.0412) == "0.041"
    assert rate(1e-5) == "1e-5"
    assert rate(0.002) == "0.002"
    assert (plural(1, "seed"), plural(3, "seed")) == ("1 seed", "3 seeds")
