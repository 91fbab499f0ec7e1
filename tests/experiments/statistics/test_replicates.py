"""Statistics of cross-validation: folds count, not their seeds, and not as if independent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from experiments.statistics.answer import answer
from experiments.statistics.intervals import mean_interval
from experiments.statistics.paired_tests import compare_over_seeds, compare_replicates
from experiments.statistics.replicates import Replicate, effective_count, fold_count, independent


def _figures(folds: int, seeds: int, seed: int, shift: float = 0.0) -> dict[Replicate, float]:
    rng = np.random.default_rng(seed)
    return {
        ((number, folds, "track"), 42 + k): float(np.clip(rng.normal(0.6 + shift, 0.05), 0, 1))
        for number in range(1, folds + 1)
        for k in range(seeds)
    }


def test_seeds_count_alone_and_folds_by_their_means() -> None:
    assert independent({42: 0.5, 43: 0.7}) == [0.5, 0.7]
    figures = _figures(3, 2, 0)
    values = list(figures.values())
    expected = [(values[2 * k] + values[2 * k + 1]) / 2 for k in range(3)]
    assert independent(figures) == pytest.approx(expected)
    assert (fold_count(figures), fold_count([42, 43]), fold_count([])) == (3, 0, 0)
    assert effective_count(5) == 5
    assert effective_count(5, 5) == pytest.approx(1 / (1 / 5 + 1 / 3))


def test_more_seeds_of_the_same_folds_do_not_make_it_surer() -> None:
    few = {((n, 5, "track"), 42): 0.5 + 0.05 * n for n in range(1, 6)}
    many = {((n, 5, "track"), seed): 0.5 + 0.05 * n for n in range(1, 6) for seed in range(50)}
    intervals = [mean_interval(independent(f), folds=5) for f in (few, many)]
    assert intervals[0] == intervals[1]


def test_the_interval_is_the_corrected_one() -> None:
    values = independent(_figures(5, 3, 1))
    error = math.sqrt((1 / 5 + 1 / 3) * np.var(values, ddof=1))
    interval = mean_interval(values, folds=5)
    assert interval is not None
    low, high = stats.t.interval(0.95, 4, np.mean(values), error)
    assert (interval.low, interval.high) == pytest.approx((low, high))
    plain = mean_interval(values)
    assert plain is not None
    assert interval.high - interval.low > plain.high - plain.low


def test_pairs_are_of_the_same_fold_and_seed() -> None:
    a, b = _figures(4, 2, 2), _figures(4, 2, 3, shift=0.05)
    del a[(1, 4, "track"), 43], b[(2, 4, "track"), 42]
    common = [key for key in a if key in b]
    assert len(common) == 6
    differences: dict[object, list[float]] = {}
    for key in common:
        assert isinstance(key, tuple)
        differences.setdefault(key[0], []).append(b[key] - a[key])
    of_folds = [np.mean(values) for values in differences.values()]
    error = math.sqrt((1 / 4 + 1 / 2) * np.var(of_folds, ddof=1))
    found = compare_replicates(a, b)
    assert found is not None
    assert found.n == 4
    assert found.difference == pytest.approx(np.mean(of_folds))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(np.mean(of_folds)) / error, 3))
    # Another number of folds, or another group, is another cross-validation.
    assert compare_replicates(a, _figures(5, 2, 3)) is None
    assert compare_replicates(a, {((1, 4, "artist"), 42): 0.5}) is None
    assert compare_replicates(a, {42: 0.5, 43: 0.6, 44: 0.7}) is None


def test_the_corrected_test_keeps_its_level_where_folds_share_rows() -> None:
    """Two learners that are equally good, whose figures on folds correlate by n_test / n."""
    rng, folds, rejected, plain = np.random.default_rng(4), 5, 0, 0
    shared = math.sqrt(1 / folds)
    runs = 2000
    for _ in range(runs):
        differences = 0.02 * (
            shared * rng.normal() + math.sqrt(1 - shared**2) * rng.normal(size=folds)
        )
        zero = [0.0] * folds
        of_folds = compare_over_seeds(zero, differences.tolist(), folds)
        of_seeds = compare_over_seeds(zero, differences.tolist())
        assert of_folds is not None
        assert of_seeds is not None
        rejected += of_folds.p < 0.05
        plain += of_seeds.p < 0.05
    assert rejected / runs < 0.05 < 0.08 < plain / runs


def test_the_answer_speaks_of_folds() -> None:
    figures = {"a": _figures(5, 2, 5), "b": _figures(5, 2, 6, shift=0.3)}
    found = answer(figures)
    assert found.sentence.startswith("By macro-F1, b beats a (difference")
    assert found.sentence.endswith("5 folds).")
    del figures["a"][(1, 5, "track"), 42]
    assert "a (9 of 10 trainings) lacks trainings" in answer(figures).sentence
    two = {name: {k: v for k, v in of.items() if k[0][0] < 3} for name, of in figures.items()}
    two["b"].pop(((1, 5, "track"), 42))
    assert answer(two).sentence.startswith("2 folds cannot tell b from a: the mean macro-F1")
    one = {name: {k: v for k, v in of.items() if k[0][0] == 2} for name, of in figures.items()}
    assert answer(one).sentence.startswith("One fold cannot tell b from a: on fold 2 the macro-F1")
    only = answer({"a": figures["a"]}).sentence
    assert "5 folds): there is nothing to compare it with" in only
