"""Intervals over seeds, Holm's adjustment and paired tests, by hand and by reference."""

import json
import math
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats

from experiments.statistics.intervals import mean_interval
from experiments.statistics.paired_tests import compare_over_seeds, hedges_factor, holm, mcnemar

VALUES = [0.61, 0.58, 0.66, 0.63, 0.60]
# Student's own data (1908, Biometrika 6, 1-25): hours of sleep gained under two drugs.
SLEEP_A = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_B = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_an_interval_equals_its_definition() -> None:
    found = mean_interval(VALUES)
    assert found is not None
    low, high = stats.t.interval(0.95, 4, np.mean(VALUES), stats.sem(VALUES))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.level, found.n, found.method) == (0.95, 5, "Student's t")
    # Of Student's own data, as R's t.test(sleep$extra[1:10]) prints it.
    found = mean_interval(SLEEP_A, (-math.inf, math.inf))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((-0.5297804, 2.0297804), abs=5e-8)


def test_two_seeds_cannot_tell() -> None:
    for values in ([], [0.5], [0.5, 0.6], [0.5, 0.5]):
        assert mean_interval(values) is None
    assert mean_interval([0.5, 0.6, 0.7]) is not None


def test_equal_values_have_no_width() -> None:
    same = mean_interval([0.1 + 0.2, 0.3, 0.3])
    assert same is not None
    assert (same.low, same.high) == pytest.approx((0.3, 0.3), abs=1e-15)


def test_no_limit_passes_what_is_possible() -> None:
    found = mean_interval([0.4, 0.9, 0.9])
    assert found is not None
    assert found.low == pytest.approx(2.2 / 3 - 4.302653 * 0.5 / 3, abs=1e-6)
    assert found.high == 1.0
    found = mean_interval([0.4, 0.9, 0.9], (0.4, 0.9))
    assert found is not None
    assert (found.low, found.high) == (0.4, 0.9)


@pytest.mark.parametrize("values", [[0.5, math.nan], [0.5, math.inf], [[0.5], [0.6]]])
def test_values_that_are_no_numbers_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        mean_interval(values)


def test_holm_by_hand() -> None:
    # 4 * 0.01; 3 * 0.03; 2 * 0.05; 1 * 0.5.
    assert holm([0.05, 0.03, 0.01, 0.5]) == pytest.approx((0.1, 0.09, 0.04, 0.5))
    # 3 * 0.01, then 2 * 0.011 may not fall below it.
    assert holm([0.011, 0.01, 0.9]) == pytest.approx((0.03, 0.03, 0.9))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([0.2]) == (0.2,)
    assert holm([]) == ()


def test_holm_equals_reference_values() -> None:
    # R's multtest (mt.rawp2adjp), as statsmodels' stats/tests/test_multi.py has it.
    p = [
        0.838541367553,
        0.642193923795,
        0.680845947633,
        0.967833824309,
        0.71626938238,
        0.177096952723,
        5.23656777208e-005,
        0.0202732688798,
        0.00028140506198,
        0.0149877310796,
    ]
    adjusted = {
        6: 5.2365677720800005e-04,
        8: 2.5326455578199999e-03,
        9: 1.1990184863680001e-01,
        7: 1.4191288215860001e-01,
    }
    assert holm(p) == pytest.approx([adjusted.get(place, 1.0) for place in range(10)], rel=1e-10)
    # R 4's p.adjust, as MultipleTesting.jl and pystatistics have it.
    assert holm([0.001, 0.01, 0.03, 0.5]) == pytest.approx((0.004, 0.03, 0.06, 0.5))
    assert holm([0.001, 0.01, 0.05, 0.1, 0.5, 0.9]) == pytest.approx((0.006, 0.05, 0.2, 0.3, 1, 1))


def test_comparison_by_hand() -> None:
    # Differences 0.1, 0 and 0.2: mean 0.1, standard deviation 0.1, t = sqrt(3) with two
    # degrees of freedom, whose p-value is 1 - t / sqrt(2 + t^2). d_z is 1, its
    # correction gamma(1) / gamma(1/2) = 1 / sqrt(pi).
    found = compare_over_seeds([0.5, 0.6, 0.7], [0.6, 0.6, 0.9])
    assert found is not None
    assert found.interval is not None
    assert (found.difference, found.n) == (pytest.approx(0.1), 3)
    assert found.p == pytest.approx(1 - math.sqrt(3 / 5))
    assert found.effect == pytest.approx(1 / math.sqrt(math.pi))
    reach = 4.302653 * 0.1 / math.sqrt(3)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.1 - reach, 0.1 + reach))


def test_comparison_equals_reference_values() -> None:
    # R's paired t.test of these (its datasets::sleep) prints p-value = 0.002833 and the
    # interval 0.7001142 to 2.4598858.
    found = compare_over_seeds(SLEEP_A, SLEEP_B)
    assert found is not None
    assert found.interval is not None
    assert found.difference == pytest.approx(1.58)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    limits = (found.interval.low, found.interval.high)
    assert limits == pytest.approx((0.7001142, 2.4598858), abs=5e-8)
    assert found.effect == pytest.approx(1.58 / 1.229995 * hedges_factor(9))


def test_hedges_factor_in_closed_form() -> None:
    found = [hedges_factor(degrees) for degrees in (2, 3, 4)]
    pi = math.pi
    assert found == pytest.approx([1 / math.sqrt(pi), math.sqrt(pi / 6), math.sqrt(2 / pi)])
    # Hedges's own approximation.
    assert hedges_factor(9) == pytest.approx(1 - 3 / (4 * 9 - 1), abs=5e-4)


def test_the_effect_is_unbiased() -> None:
    # Differences of mean 0.5 and standard deviation 1, so d_z = 0.5; uncorrected, the
    # mean of the estimates would be 0.5 / hedges_factor(4) = 0.63.
    samples = np.random.default_rng(4).normal(0.5, 1, (2000, 5))
    found = [compare_over_seeds([0.0] * 5, sample.tolist()) for sample in samples]
    effects = [one.effect for one in found if one and one.effect is not None]
    assert np.mean(effects) == pytest.approx(0.5, abs=0.05)


def test_swapping_sides_turns_the_sign_only() -> None:
    one, other = compare_over_seeds(SLEEP_A, SLEEP_B), compare_over_seeds(SLEEP_B, SLEEP_A)
    assert one is not None
    assert other is not None
    assert one.p == pytest.approx(other.p)
    assert (one.difference, one.effect) == (
        pytest.approx(-other.difference),
        pytest.approx(-(other.effect or 0)),
    )


def test_differences_that_are_all_the_same() -> None:
    none = compare_over_seeds([0.5, 0.6, 0.7], [0.5, 0.6, 0.7])
    assert none is not None
    assert none.interval is not None
    assert (none.difference, none.p, none.effect) == (0.0, 1.0, 0.0)
    assert (none.interval.low, none.interval.high) == (0.0, 0.0)
    # 0.1 each, but for rounding: of the 2^4 ways to flip signs two are as extreme.
    each = compare_over_seeds([0.1, 0.2, 0.3, 0.6], [0.2, 0.3, 0.4, 0.7])
    assert each is not None
    assert (each.p, each.interval, each.effect) == (0.125, None, None)
    assert each.difference == pytest.approx(0.1)
    json.dumps([asdict(none), asdict(each)], allow_nan=False)


def test_few_seeds() -> None:
    assert compare_over_seeds([], []) is None
    assert compare_over_seeds([0.5, 0.5], [0.6, 0.8]) is None


@pytest.mark.parametrize(("a", "b"), [([0.5], [0.5, 0.6]), ([0.5, math.nan], [0.5, 0.6])])
def test_values_that_make_no_pairs_are_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="of one length"):
        compare_over_seeds(a, b)


def _mcnemar(only_a: int, only_b: int) -> tuple[int, int, float]:
    """Of predictions that also agree on a right and on a wrong row."""
    a = np.array([1] * only_a + [0] * only_b + [1, 0])
    b = np.array([0] * only_a + [1] * only_b + [1, 0])
    found = mcnemar(np.ones(len(a), dtype=np.int64), a, b)
    return found.only_a, found.only_b, found.p


def test_mcnemar_equals_its_source() -> None:
    # Fagerland et al. 2013, table 1 (Bentur et al.): mid-p 0.039, of the exact 0.070.
    assert _mcnemar(1, 7) == (1, 7, pytest.approx(10 / 256))
    assert _mcnemar(7, 1) == (7, 1, pytest.approx(10 / 256))


def test_mcnemar_by_hand() -> None:
    assert _mcnemar(0, 0) == (0, 0, 1.0)
    assert _mcnemar(0, 3) == (0, 3, pytest.approx(1 / 8))
    assert _mcnemar(1, 1) == (1, 1, pytest.approx(3 / 4))


def test_mcnemar_of_many_rows_is_close_to_chi_square() -> None:
    _, _, p = _mcnemar(100, 140)
    assert p == pytest.approx(stats.chi2.sf(40**2 / 240, 1), rel=0.05)


def test_importing_is_light() -> None:
    script = """
import sys
import experiments.statistics.answer, experiments.statistics.cluster_bootstrap
print(*sorted({"torch", "keras", "sklearn", "scipy"} & set(sys.modules)))
from experiments.statistics.paired_tests import compare_over_seeds
print(compare_over_seeds([0.5, 0.6, 0.7], [0.6, 0.6, 0.9]).n, "scipy.stats" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["", "3 False"]
