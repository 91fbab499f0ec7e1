"""Clusters of test rows, and their bootstrap against a loop that draws row by row."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from experiments.statistics.cluster_bootstrap import (
    FEW_CLUSTERS,
    RESAMPLES,
    ClusterBootstrap,
    Clusters,
    Metric,
    Resampled,
    RowComparison,
    clusters_of,
)
from experiments.statistics.intervals import Interval
from networks.training import metrics

Rows = tuple[np.ndarray, np.ndarray, Clusters]


def row_interval(
    label: np.ndarray, predicted: np.ndarray, clusters: Clusters, metric: Metric = "accuracy"
) -> Interval | None:
    return ClusterBootstrap(label, clusters).interval(predicted, metric)


def compare_on_rows(
    label: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    clusters: Clusters,
    metric: Metric = "accuracy",
) -> RowComparison:
    return ClusterBootstrap(label, clusters).compare(a, b, metric)


def resample(
    label: np.ndarray, predicted: np.ndarray, clusters: Clusters, metric: Metric
) -> Resampled:
    return ClusterBootstrap(label, clusters).resample(predicted, metric)


@pytest.fixture
def rows() -> Rows:
    """Labels of 11 tracks of unequal length, three genres, and predictions of two seeds."""
    rng = np.random.default_rng(1)
    track = np.repeat(np.arange(11), rng.integers(3, 12, 11))
    label = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2])[track]
    easy = rng.uniform(0.3, 0.9, 11)[track]
    predicted = np.where(rng.random((2, len(label))) < easy, label, rng.integers(0, 3, len(label)))
    return label, predicted, clusters_of(label, track)


def test_tracks_are_clusters_wherever_their_rows_are() -> None:
    found = clusters_of(np.array([0, 0, 1, 0]), np.array([7, 3, 5, 7]))
    assert (found.index.tolist(), found.count, found.unit) == ([2, 0, 1, 2], 3, "tracks")


def test_rows_without_tracks_are_cut_into_blocks_of_their_runs() -> None:
    label = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0])
    found = clusters_of(label, np.full(9, -1), block_rows=2)
    assert found.index.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 5]
    assert found.unit == "blocks"
    assert clusters_of(np.zeros(61, int), np.full(61, -1)).count == 3


def test_tracks_and_blocks_may_mix() -> None:
    label, track = np.zeros(6, int), np.array([-1, -1, 4, 4, -1, -1])
    found = clusters_of(label, track, block_rows=30)
    assert found.unit == "tracks and blocks"
    assert found.index.tolist() == [1, 1, 0, 0, 2, 2]


def test_few_clusters_are_told() -> None:
    assert Clusters(np.arange(FEW_CLUSTERS - 1), "tracks").are_few
    assert not Clusters(np.arange(FEW_CLUSTERS), "tracks").are_few
    assert clusters_of(np.zeros(0, int), np.zeros(0, int)).count == 0


def test_figures_are_those_of_the_metrics(rows: Rows) -> None:
    label, predicted, clusters = rows
    confusion = metrics.confusion_matrix(label, predicted, 3)
    drawn = resample(label, predicted, clusters, "accuracy")
    assert drawn.figure == pytest.approx(metrics.accuracies(confusion).mean())
    drawn = resample(label, predicted, clusters, "macro_f1")
    assert drawn.figure == pytest.approx(metrics.macro_f1s(confusion).mean())
    assert drawn.resamples.shape == (RESAMPLES,)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_each_resample_equals_a_loop_over_its_rows(rows: Rows, metric: Metric) -> None:
    label, predicted, clusters = rows
    found = resample(label, predicted, clusters, metric).resamples
    first, *_ = ClusterBootstrap(label, clusters).weights()
    for place in range(0, 60, 3):
        weight = first[place][clusters.index]
        kept = weight > 0
        figures = [
            accuracy_score(label[kept], one[kept], sample_weight=weight[kept])
            if metric == "accuracy"
            else f1_score(label[kept], one[kept], average="macro", sample_weight=weight[kept])
            for one in predicted
        ]
        assert found[place] == pytest.approx(np.mean(figures))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_resamples_spread_as_a_brute_force_loop_does(rows: Rows, metric: Metric) -> None:
    label, predicted, clusters = rows
    rng = np.random.default_rng(2)
    members = [np.unique(clusters.index[label == genre]) for genre in range(3)]
    figures = []
    for _ in range(800):
        confusion = np.zeros((2, 3, 3))
        for ours in members:
            for cluster in rng.choice(ours, len(ours) - 1):
                inside = clusters.index == cluster
                counts = metrics.confusion_matrix(label[inside], predicted[:, inside], 3)
                confusion += counts * len(ours) / (len(ours) - 1)
        # Weights are thirds and quarters: whole numbers once they are multiplied by 6.
        whole = np.rint(6 * confusion).astype(np.int64)
        both = metrics.accuracies(whole) if metric == "accuracy" else metrics.macro_f1s(whole)
        figures.append(both.mean())
    drawn = resample(label, predicted, clusters, metric)
    assert drawn.standard_error == pytest.approx(np.std(figures), rel=0.1)
    assert drawn.resamples.mean() == pytest.approx(np.mean(figures), abs=0.01)


def test_the_standard_error_of_equal_clusters_is_the_known_one() -> None:
    # 20 clusters of 10 rows: the accuracy is the mean of 20 shares.
    shares = np.random.default_rng(3).integers(2, 10, 20)
    predicted = np.concatenate([np.arange(10) >= share for share in shares]).astype(np.int64)
    clusters = Clusters(np.repeat(np.arange(20), 10), "tracks")
    drawn = resample(np.zeros(200, np.int64), predicted, clusters, "accuracy")
    error = stats.sem(shares / 10)
    assert ClusterBootstrap(np.zeros(200, np.int64), clusters).degrees == 19
    assert drawn.standard_error == pytest.approx(error, rel=0.02)
    found = row_interval(np.zeros(200, np.int64), predicted, clusters)
    assert found is not None
    p = shares.mean() / 10
    reach = stats.t.ppf(0.975, 19) * error / (p * (1 - p))
    odds = [math.exp(math.log(p / (1 - p)) + sign * reach) for sign in (-1, 1)]
    assert (found.low, found.high) == pytest.approx([o / (1 + o) for o in odds], abs=0.003)
    assert (found.n, found.level) == (20, 0.95)


def test_clusters_make_intervals_wider_than_rows_do(rows: Rows) -> None:
    label, predicted, clusters = rows
    alone = Clusters(np.arange(len(label)), "blocks")
    of_clusters, of_rows = (row_interval(label, predicted[0], one) for one in (clusters, alone))
    assert of_clusters is not None
    assert of_rows is not None
    assert of_clusters.high - of_clusters.low > 1.2 * (of_rows.high - of_rows.low)


def test_the_same_rows_give_the_same_interval(rows: Rows) -> None:
    label, predicted, clusters = rows
    found = row_interval(label, predicted, clusters, "macro_f1")
    assert found == row_interval(label, predicted, clusters, "macro_f1")
    assert found is not None
    assert 0 < found.low < found.high < 1


def test_other_figures_in_between_change_nothing(rows: Rows) -> None:
    label, predicted, clusters = rows
    bootstrap = ClusterBootstrap(label, clusters)
    bootstrap.compare(predicted[0], predicted[1])
    assert bootstrap.interval(predicted) == row_interval(label, predicted, clusters)


@pytest.mark.parametrize(
    ("labels", "degrees"),
    [
        ([0, 0, 0, 1, 1, 1], 4),
        ([0, 0, 0, 1], 3),  # a lone cluster joins the others
        ([0, 0, 0, 1, 1, 2], 4),  # ... the smallest of them
        ([0, 0, 1, 2], 2),  # lone ones join each other
        ([0], 0),
    ],
)
def test_clusters_are_drawn_within_their_label(labels: list[int], degrees: int) -> None:
    label = np.repeat(labels, 2)
    clusters = Clusters(np.repeat(np.arange(len(labels)), 2), "tracks")
    assert ClusterBootstrap(label, clusters).degrees == degrees


def test_clusters_of_several_labels_are_drawn_together() -> None:
    label = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 0])
    clusters = Clusters(np.repeat(np.arange(5), 2), "tracks")
    (weights, *_) = ClusterBootstrap(label, clusters).weights()
    assert set(weights[:, :3].sum(axis=1).round(9)) == {3.0}
    assert set(weights[:, 3:].sum(axis=1)) == {2.0}


def test_rows_that_cannot_tell_have_no_interval(rows: Rows) -> None:
    label, predicted, clusters = rows
    assert row_interval(label, label, clusters) is None  # 100 % in each resample
    assert row_interval(label, (label + 1) % 3, clusters) is None  # 0 %
    one = Clusters(np.zeros(len(label), np.int64), "tracks")
    assert row_interval(label, predicted, one) is None
    assert compare_on_rows(label, predicted[0], predicted[1], one).p is None


def test_a_comparison_is_that_of_the_same_resamples(rows: Rows) -> None:
    label, predicted, clusters = rows
    a, b = predicted
    found = compare_on_rows(label, a, b, clusters)
    drawn = [resample(label, one, clusters, "accuracy") for one in (a, b)]
    error = (drawn[1].resamples - drawn[0].resamples).std(ddof=1)
    assert found.difference == pytest.approx((b == label).mean() - (a == label).mean())
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.difference) / error, 8))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx(
        stats.t.interval(0.95, 8, found.difference, error)
    )
    json.dumps(asdict(found))


def test_a_comparison_pairs_the_rows(rows: Rows) -> None:
    # One that is right wherever the other is, and on half of its errors, is better for
    # sure, though the interval of each is wide.
    label, predicted, clusters = rows
    better = predicted[0].copy()
    wrong = np.flatnonzero(better != label)[::2]
    better[wrong] = label[wrong]
    found = compare_on_rows(label, predicted[0], better, clusters, "macro_f1")
    assert found.interval is not None
    assert found.interval.low > 0
    assert found.p is not None
    assert found.p < 0.05
    alone = row_interval(label, predicted[0], clusters, "macro_f1")
    assert alone is not None
    assert found.interval.high - found.interval.low < alone.high - alone.low


def test_equal_models_cannot_be_told_apart(rows: Rows) -> None:
    label, predicted, clusters = rows
    found = compare_on_rows(label, predicted, predicted[::-1], clusters)
    assert (found.difference, found.p, found.interval) == (0.0, 1.0, None)


def test_numbers_of_seeds_may_differ(rows: Rows) -> None:
    label, predicted, clusters = rows
    once = compare_on_rows(label, predicted[:1], predicted, clusters)
    twice = compare_on_rows(label, predicted[[0, 0]], predicted, clusters)
    assert once == twice


def test_shapes_that_do_not_fit_are_refused(rows: Rows) -> None:
    label, predicted, clusters = rows
    with pytest.raises(ValueError, match="must have the shape"):
        row_interval(label, predicted[:, 1:], clusters)
    with pytest.raises(ValueError, match="must be of"):
        row_interval(label, predicted, Clusters(np.arange(3), "tracks"))
