"""How often intervals hold the truth, on simulated data whose truth is known.

The fast tests allow for the few simulations they have time for (about 3.5 of their
standard errors); the slow ones hold 2 points and print what they find (`-m slow -s`).
"""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy import special, stats

from experiments.statistics.clusters import Clusters
from experiments.statistics.intervals import mean_interval
from experiments.statistics.paired import compare_on_rows
from experiments.statistics.resampling import Metric, row_interval
from networks.training import metrics

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
# Draws, and their mean. The skewness of gamma(4) is 1, of beta(8, 2) -0.8.
VALUES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.standard_normal(shape), 0.0),
    "gamma(4)": (lambda rng, shape: rng.gamma(4.0, size=shape), 4.0),
    "beta(8, 2)": (lambda rng, shape: rng.beta(8.0, 2.0, size=shape), 0.8),
}


def _seeds_coverage(kind: str, n: int, level: float, simulations: int) -> float:
    """Of `mean_interval`, in per cent."""
    draw, mean = VALUES[kind]
    held = 0
    for values in draw(np.random.default_rng(11), (simulations, n)):
        found = mean_interval(values.tolist(), level)
        assert found is not None
        held += found.low <= mean <= found.high
    return 100 * held / simulations


class Tracks:
    """Rows of tracks that are easy or hard to classify, in equal parts of each genre.

    Args:
        count: tracks.
        share: mean accuracy of each genre.
        correlation: of being right, between rows of one track.
        seed: of the simulation.
    """

    def __init__(self, count: int, share: list[float], correlation: float, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._genre = np.arange(count) % len(share)
        self._share, self._strength = np.array(share), 1 / correlation - 1
        classes = len(share)
        expected = np.diag(self._share)
        for genre, other in product(range(classes), repeat=2):
            if genre != other:
                expected[genre, other] = (1 - share[genre]) / (classes - 1)
        counts = np.rint(expected * 1_000_000).astype(np.int64)
        self.truth = {"accuracy": metrics.accuracy(counts), "macro_f1": metrics.macro_f1(counts)}

    def draw(self, models: int) -> tuple[np.ndarray, np.ndarray, Clusters]:
        """Labels, predictions of models with the same truth, and clusters of 5 to 30 rows."""
        rng, share, k = self._rng, self._share[self._genre], self._strength
        index = np.repeat(np.arange(len(share)), rng.integers(5, 31, len(share)))
        label = self._genre[index]
        right = rng.random((models, len(index))) < rng.beta(share * k, (1 - share) * k)[index]
        # The second model meets tracks that are partly as hard as for the first.
        right[1:] = np.where(
            rng.random(len(share))[index] < 0.5,
            right[1:],
            rng.random(len(index)) < rng.beta(share * k, (1 - share) * k)[index],
        )
        other = (label + rng.integers(1, len(self._share), right.shape)) % len(self._share)
        return label, np.where(right, label, other), Clusters(index, "tracks")

    def coverage(self, metric: Metric, simulations: int) -> float:
        """Of `row_interval`, nominally 95 per cent."""
        held = 0
        for _ in range(simulations):
            label, predicted, clusters = self.draw(1)
            found = row_interval(label, predicted, clusters, metric)
            assert found is not None
            held += found.low <= self.truth[metric] <= found.high
        return 100 * held / simulations


@pytest.mark.parametrize(("kind", "n"), [("normal", 5), ("gamma(4)", 5), ("normal", 3)])
def test_intervals_over_seeds_hold_the_mean(kind: str, n: int) -> None:
    assert _seeds_coverage(kind, n, 0.95, 600) == pytest.approx(95, abs=3.2)


def test_intervals_over_tracks_hold_the_truth() -> None:
    tracks = Tracks(40, [0.9, 0.8, 0.6, 0.5], 0.2, seed=12)
    assert tracks.coverage("accuracy", 200) == pytest.approx(95, abs=5.4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize(("n", "level"), [(3, 0.95), (5, 0.95), (10, 0.95), (5, 0.9), (5, 0.99)])
def test_intervals_over_seeds_hold_the_mean_within_two_points(
    kind: str, n: int, level: float
) -> None:
    simulations = 8000 if (n, level) == (5, 0.95) else 4000
    found = _seeds_coverage(kind, n, level, simulations)
    print(f"\nmean_interval, {kind}, n = {n}, level {level:.0%}: {found:.2f} % of {simulations}")
    assert found == pytest.approx(100 * level, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "share", "correlation"),
    [
        (40, [0.9, 0.8, 0.6, 0.5], 0.2),
        (40, [0.7] * 4, 0.1),
        (40, [0.7] * 4, 0.3),
        (40, [0.8] * 10, 0.2),
        (12, [0.9, 0.8, 0.6, 0.5], 0.2),
        (8, [0.7] * 4, 0.2),
    ],
)
def test_intervals_over_tracks_hold_the_truth_within_two_points(
    count: int, share: list[float], correlation: float
) -> None:
    for metric in ("accuracy", "macro_f1"):
        tracks = Tracks(count, share, correlation, seed=13)
        found = tracks.coverage(metric, 1500)
        print(
            f"\nrow_interval, {metric}, {count} tracks, {len(share)} genres, correlation "
            f"{correlation}, truth {tracks.truth[metric]:.3f}: {found:.2f} % of 1500"
        )
        assert found == pytest.approx(95, abs=2)


@pytest.mark.slow
def test_models_that_are_equally_good_are_rarely_told_apart() -> None:
    tracks, simulations = Tracks(40, [0.9, 0.8, 0.6, 0.5], 0.2, seed=14), 1500
    for metric in ("accuracy", "macro_f1"):
        alarms = 0
        for _ in range(simulations):
            label, (a, b), clusters = tracks.draw(2)
            p = compare_on_rows(label, a, b, clusters, metric).p
            alarms += p is not None and p < 0.05
        share = 100 * alarms / simulations
        print(f"\ncompare_on_rows, {metric}, 40 tracks, p < 0.05: {share:.2f} % of {simulations}")
        assert share == pytest.approx(5, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("kind", VALUES)
def test_the_intervals_that_were_not_chosen(kind: str, n: int) -> None:
    """Every resample of n values, so that nothing is left to chance but the values."""
    draw, mean = VALUES[kind]
    values = draw(np.random.default_rng(15), (8000, n))
    resamples = np.array(list(product(range(n), repeat=n)))
    counts = np.array([np.bincount(one, minlength=n) for one in resamples])
    means = values @ counts.T / n
    error = stats.sem(values, axis=1)
    t = stats.t.ppf(0.975, n - 1)
    centre = values.mean(axis=1)
    spread = np.sqrt(np.maximum(values**2 @ counts.T / n - means**2, 0) / (n - 1))
    away = means - centre[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(spread > 1e-6 * error[:, None], away / spread, np.sign(away) * np.inf)
    expanded = special.ndtr(-t * np.sqrt(n / (n - 1)))  # Hesterberg 2015
    low, high = _quantiles(ratio, 0.025)
    rivals = {
        "Student's t": (centre - t * error, centre + t * error),
        "percentile": _quantiles(means, 0.025),
        "expanded percentile": _quantiles(means, expanded),
        "studentised": (centre - high * error, centre - low * error),
    }
    found = {}
    for name, (low, high) in rivals.items():
        found[name] = 100 * np.mean((low <= mean) & (mean <= high))
        width = np.median((high - low) / error)
        print(f"\n{name}, {kind}, n = {n}: {found[name]:.2f} % of 8000, width {width:.2f} errors")
    assert found["percentile"] < 87
    assert found["expanded percentile"] < 93.5 if n == 5 else found["expanded percentile"] < 77
    assert np.isinf(np.median(rivals["studentised"][0])) == (n == 3)


def _quantiles(values: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """The values of each row that leave a share of `tail` below and above."""
    ordered = np.sort(values, axis=1)
    cut = int(np.ceil(tail * ordered.shape[1])) - 1
    return ordered[:, cut], ordered[:, -1 - cut]
