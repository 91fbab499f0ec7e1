"""Bootstrap of test rows by clusters: rows of one recording are drawn together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from experiments.statistics.intervals import LEVEL, Interval, t_p_value, t_quantile
from experiments.statistics.paired_tests import SAME
from networks.training.metrics import mean_f1

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Metric = Literal["accuracy", "macro_f1"]
Unit = Literal["tracks", "blocks", "tracks and blocks"]

BLOCK_ROWS = 30  # GTZAN's recordings last 30 seconds, and a row is a second
FEW_CLUSTERS = 10  # with fewer, intervals and p-values over rows are rough
RESAMPLES = 10_000
_NO_SPREAD = 1e-9  # a standard error below this is rounding
_SEED = 1988
_CHUNK = 1000  # resamples drawn and weighted at a time, to bound memory


@dataclass(frozen=True)
class Clusters:
    """Groups of test rows; rows of different groups count as independent.

    Args:
        index: cluster of each row, 0 to count - 1 without gaps. [shape=(n,)]
        unit: kind of the clusters.
    """

    index: Int64
    unit: Unit

    @property
    def count(self) -> int:
        """Number of clusters."""
        return int(self.index.max()) + 1 if len(self.index) else 0

    @property
    def are_few(self) -> bool:
        """Whether intervals over so few clusters are rough."""
        return self.count < FEW_CLUSTERS

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"


@dataclass(frozen=True)
class RowComparison:
    """Two models compared on the same rows.

    Args:
        difference: figure of b minus figure of a, as shares.
        interval: of the difference; it contains 0 exactly where p > 0.05. None where all
            resamples show the same difference.
        p: two-sided p-value of no difference; None as the interval.
        clusters: number of clusters.
    """

    difference: float
    interval: Interval | None
    p: float | None
    clusters: int


class Resampled(NamedTuple):
    """A figure of all rows, the mean over seeds, and of each resample [shape=(RESAMPLES,)]."""

    figure: float
    resamples: Float64

    @property
    def standard_error(self) -> float:
        """Standard deviation of the resamples."""
        return float(self.resamples.std(ddof=1))


def clusters_of(label: Int64, track: Int64, block_rows: int = BLOCK_ROWS) -> Clusters:
    """Clusters of a split's rows: tracks where they are known, blocks elsewhere.

    Rows without a track are neighbours in the order of their recordings (as in the source
    dataset), so each run of rows of one label is cut into blocks of about a recording's length.
    A block that holds the end of one recording and the beginning of the next is not independent
    of its neighbours, which makes intervals a little narrow; single rows would make them much
    too narrow.

    Args:
        label: true classes, in stored order. [shape=(n,)]
        track: track numbers, negative where unknown. [shape=(n,)]
        block_rows: rows of a block; the last of a run may be shorter.
    """
    if not len(label):
        return Clusters(np.zeros(0, dtype=np.int64), "blocks")
    known = track >= 0
    first = np.ones(len(label), dtype=bool)
    first[1:] = (label[1:] != label[:-1]) | (known[1:] != known[:-1])
    in_run = np.arange(len(label)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    block = np.cumsum(in_run % block_rows == 0)
    _, index = np.unique(np.where(known, track, track.max() + block), return_inverse=True)
    unit: Unit = "tracks and blocks"
    if known.all() or not known.any():
        unit = "tracks" if known.all() else "blocks"
    return Clusters(index.astype(np.int64), unit)


class ClusterBootstrap:
    """Figures of trained models in `RESAMPLES` draws of the test rows' clusters.

    All models of one instance meet the same draws, which are made once.

    Clusters are drawn class by class, since the mix of classes was fixed when the split was made:
    k - 1 of a class's k clusters with replacement, weighted k / (k - 1), which makes the variance
    unbiased (Rao and Wu 1988, J. Am. Statist. Assoc. 83, 231-241). Clusters of several classes
    are a stratum of their own.

    Args:
        label: true classes. [shape=(n,)]
        clusters: of the rows, at least one.

    Raises:
        ValueError: the clusters are of other rows.
    """

    def __init__(self, label: Int64, clusters: Clusters) -> None:
        if clusters.index.shape != label.shape:
            raise ValueError(
                f"clusters must be of {len(label)} rows. Received: {clusters.index.shape}."
            )
        self._label, self._clusters = label, clusters
        self._strata = _strata(label, clusters)
        self.degrees = clusters.count - len(np.unique(self._strata))  # of freedom

    def interval(self, predicted: Int64, metric: Metric = "accuracy") -> Interval | None:
        """Interval of a figure over the choice of test rows.

        It says how far the figure could differ with other recordings of the same genres; for
        other seeds see `intervals.mean_interval`. Limits lie t(clusters - strata) standard errors
        away on the scale of log-odds, where figures of few clusters are less skew and no limit
        passes 0 or 1 (Korn and Graubard 1999, "Analysis of Health Surveys"; svyciprop's "xlogit"
        in the R package survey). Intervals of 8, 12 and 40 clusters contain the true figure in 94
        to 96 % of simulations (the slow tests print them); with fewer than about 10 clusters the
        interval is rough: read it as a lower bound of the uncertainty.

        Args:
            predicted: classes; of several seeds the mean figure. [shape=(n,) or (seeds, n)]
            metric: which figure.

        Returns:
            None for one cluster, or a figure that is equal in all resamples, such as 100 %.
        """
        drawn = self.resample(predicted, metric)
        figure, error = drawn.figure, drawn.standard_error
        if not self.degrees or error < _NO_SPREAD or not 0 < figure < 1:
            return None
        centre = math.log(figure / (1 - figure))
        reach = t_quantile(self.degrees) * error / (figure * (1 - figure))
        low, high = (0.5 + math.tanh((centre + side) / 2) / 2 for side in (-reach, reach))
        method = "cluster bootstrap, t on log-odds"
        return Interval(low, high, LEVEL, method, self._clusters.count)

    def compare(self, a: Int64, b: Int64, metric: Metric = "accuracy") -> RowComparison:
        """Difference of two models' figures on the same rows, by a t test over the resamples.

        Args:
            a, b: predicted classes; of several seeds the mean figure counts. [shape=(n,) or
                (seeds, n)]
            metric: which figure.
        """
        of_a, of_b = (self.resample(predicted, metric) for predicted in (a, b))
        count, difference = self._clusters.count, of_b.figure - of_a.figure
        error = float((of_b.resamples - of_a.resamples).std(ddof=1))
        if not self.degrees or error < _NO_SPREAD:
            if abs(difference) < SAME:
                return RowComparison(0.0, None, 1.0, count)
            return RowComparison(difference, None, None, count)
        reach = t_quantile(self.degrees) * error
        low, high = max(difference - reach, -1.0), min(difference + reach, 1.0)
        interval = Interval(low, high, LEVEL, "cluster bootstrap, t", count)
        p = t_p_value(self.degrees, difference / error)
        return RowComparison(difference, interval, p, count)

    def resample(self, predicted: Int64, metric: Metric) -> Resampled:
        """The figure of all rows and of each resample; arguments as `interval`.

        Raises:
            ValueError: the predictions are of other rows.
        """
        counts = self._counts(np.atleast_2d(predicted))
        flat = counts.reshape(len(counts), -1)
        figures = [
            _figures((weights @ flat).reshape(-1, *counts.shape[1:]), metric)
            for weights in self.weights()
        ]
        return Resampled(float(_figures(counts.sum(axis=0), metric)), np.concatenate(figures))

    def weights(self) -> Iterator[Float64]:
        """Weights of the clusters in each resample, in chunks. [shape=(_CHUNK, clusters)]"""
        times, scale = self._draws
        for start in range(0, RESAMPLES, _CHUNK):
            yield times[start : start + _CHUNK] * scale

    @cached_property
    def _draws(self) -> tuple[npt.NDArray[np.uint16], Float64]:
        """How often each resample draws each cluster, and the weight of a draw."""
        rng = np.random.default_rng(_SEED)
        times = np.ones((RESAMPLES, self._clusters.count), dtype=np.uint16)
        scale = np.ones(self._clusters.count)
        strata = [np.flatnonzero(self._strata == one) for one in np.unique(self._strata)]
        for start in range(0, RESAMPLES, _CHUNK):
            rows = slice(start, start + _CHUNK)
            for members in (members for members in strata if len(members) > 1):
                k = len(members)
                cells = rng.integers(0, k, (_CHUNK, k - 1)) + k * np.arange(_CHUNK)[:, None]
                drawn = np.bincount(cells.ravel(), minlength=_CHUNK * k)
                times[rows, members] = drawn.reshape(_CHUNK, k)
                scale[members] = k / (k - 1)
        return times, scale

    def _counts(self, predicted: Int64) -> Float64:
        """Contribution of each cluster to the margins of the confusion matrices.

        Returns:
            First the hits of each class, then its true plus its predicted rows.
            [shape=(clusters, 2, seeds, classes)]
        """
        label, index = self._label, self._clusters.index
        seeds = len(predicted)
        if predicted.shape != (seeds, len(label)):
            raise ValueError(
                "predicted must have the shape (n,) or (seeds, n), n that of label. Received: "
                f"{label.shape} and {predicted.shape}."
            )
        classes = int(max(label.max(), predicted.max())) + 1
        shape = (self._clusters.count, seeds, classes)
        base = (index * seeds + np.arange(seeds)[:, None]) * classes

        def count(cells: Int64) -> Int64:
            return np.bincount(cells.ravel(), minlength=math.prod(shape)).reshape(shape)

        hits = count((base + label)[predicted == label])
        totals = count(base + label) + count(base + predicted)
        return np.stack([hits, totals], axis=1).astype(np.float64)


def _strata(label: Int64, clusters: Clusters) -> Int64:
    """Stratum of each cluster: its class, or -1 for several classes. [shape=(clusters,)]

    A stratum of one cluster shows no spread, so such are joined (-2); a lone one joins the
    smallest stratum.
    """
    _, first = np.unique(clusters.index, return_index=True)
    stratum = label[first].astype(np.int64)
    stratum[clusters.index[label != stratum[clusters.index]]] = -1
    names, sizes = np.unique(stratum, return_counts=True)
    lone = names[sizes == 1]
    if len(lone) == 1 < len(names):
        sizes[names == lone[0]] = len(stratum) + 1
        lone = np.append(lone, names[sizes.argmin()])
    stratum[np.isin(stratum, lone)] = -2
    return stratum


def _figures(counts: Float64, metric: Metric) -> Float64:
    """Mean figure over seeds, from margins. `counts`: [shape=(..., 2, seeds, classes)]"""
    hits, totals = counts[..., 0, :, :], counts[..., 1, :, :]
    if metric == "accuracy":
        return np.asarray((2 * hits.sum(axis=-1) / totals.sum(axis=-1)).mean(axis=-1))
    return np.asarray(mean_f1(hits, totals).mean(axis=-1))
