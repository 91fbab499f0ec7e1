"""How often intervals hold the truth, on simulated data whose truth is known.

The fast tests allow for the few simulations they have time for (about 3.5 of their
standard errors); the slow ones hold 2 points and print what they find (`-m slow -s`).
"""

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from experiments.statistics.cluster_bootstrap import ClusterBootstrap, Clusters, Metric
from experiments.statistics.intervals import mean_interval
from networks.training import metrics

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
# Draws, and their mean. The skewness of gamma(4) is 1, of beta(8, 2) -0.8.
VALUES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.standard_normal(shape), 0.0),
    "gamma(4)": (lambda rng, shape: rng.gamma(4.0, size=shape), 4.0),
    "beta(8, 2)": (lambda rng, shape: rng.beta(8.0, 2.0, size=shape), 0.8),
}


def _seeds_coverage(kind: str, n: int, simulations: int) -> float:
    """Of `mean_interval`, in per cent."""
    draw, mean = VALUES[kind]
    held = 0
    for values in draw(np.random.default_rng(11), (simulations, n)):
        found = mean_interval(values.tolist(), (-math.inf, math.inf))
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
        """Of `ClusterBootstrap.interval`, nominally 95 per cent."""
        held = 0
        for _ in range(simulations):
            label, predicted, clusters = self.draw(1)
            found = ClusterBootstrap(label, clusters).interval(predicted, metric)
            assert found is not None
            held += found.low <= self.truth[metric] <= found.high
        return 100 * held / simulations


@pytest.mark.parametrize(("kind", "n"), [("normal", 5), ("gamma(4)", 5), ("normal", 3)])
def test_intervals_over_seeds_hold_the_mean(kind: str, n: int) -> None:
    assert _seeds_coverage(kind, n, 600) == pytest.approx(95, abs=3.2)


def test_intervals_over_tracks_hold_the_truth() -> None:
    tracks = Tracks(40, [0.9, 0.8, 0.6, 0.5], 0.2, seed=12)
    assert tracks.coverage("accuracy", 200) == pytest.approx(95, abs=5.4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_intervals_over_seeds_hold_the_mean_within_three_points(kind: str, n: int) -> None:
    found = _seeds_coverage(kind, n, 8000)
    print(f"\nmean_interval, {kind}, n = {n}: {found:.2f} % of 8000")
    assert found == pytest.approx(95, abs=1 if kind == "normal" else 3)


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
            f"\nClusterBootstrap.interval, {metric}, {count} tracks, {len(share)} genres, "
            f"correlation {correlation}, truth {tracks.truth[metric]:.3f}: {found:.2f} % of 1500"
        )
        assert found == pytest.approx(95, abs=2)


@pytest.mark.slow
def test_models_that_are_equally_good_are_rarely_told_apart() -> None:
    tracks, simulations = Tracks(40, [0.9, 0.8, 0.6, 0.5], 0.2, seed=14), 1500
    for metric in ("accuracy", "macro_f1"):
        alarms = 0
        for _ in range(simulations):
            label, (a, b), clusters = tracks.draw(2)
            p = ClusterBootstrap(label, clusters).compare(a, b, metric).p
            alarms += p is not None and p < 0.05
        share = 100 * alarms / simulations
        print(
            f"\nClusterBootstrap.compare, {metric}, 40 tracks, p < 0.05: {share:.2f} % of "
            f"{simulations}"
        )
        assert share == pytest.approx(5, abs=2)
