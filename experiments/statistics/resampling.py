"""How sure a figure of the test rows is: clusters of rows, drawn again and again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from experiments.statistics.clusters import Clusters
from experiments.statistics.intervals import LEVEL, RESAMPLES, Interval, check_level

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Metric = Literal["accuracy", "macro_f1"]

METHOD = "cluster bootstrap"
NO_SPREAD = 1e-9  # a standard error below this is rounding
_SEED = 1988
_AT_ONCE = 1000  # resamples; the same for all, so that models meet the same resamples


@dataclass(frozen=True)
class Resampled:
    """A figure, and what it is in other draws of the test rows' clusters.

    Args:
        figure: of all rows; the mean over seeds where there are several.
        resamples: the same figure of each resample. [shape=(RESAMPLES,)]
        degrees: of freedom of their standard deviation.
    """

    figure: float
    resamples: Float64
    degrees: int

    @property
    def standard_error(self) -> float:
        """Standard deviation of the resamples."""
        return float(self.resamples.std(ddof=1))


def row_interval(
    label: Int64,
    predicted: Int64,
    clusters: Clusters,
    metric: Metric = "accuracy",
    level: float = LEVEL,
) -> Interval | None:
    """A cluster bootstrap interval of trained models' figure, over the choice of test rows.

    It says how far the figure could differ with other recordings of the same genres; how
    far it could with other seeds is `intervals.mean_interval`'s question.

    Clusters are drawn genre by genre, since the mix of genres was fixed when the split
    was made: k - 1 of a genre's k clusters with replacement, weighted k / (k - 1), which
    makes the variance unbiased (Rao and Wu 1988, J. Am. Statist. Assoc. 83, 231-241).
    Limits lie as many standard errors away as Student's t of (clusters - genres) degrees
    of freedom says, on the scale of log-odds, where the figures of few clusters are less
    skew and no limit passes 0 or 1 (as survey software has it: Korn and Graubard 1999,
    "Analysis of Health Surveys"; svyciprop's "xlogit" in the R package survey). Nominal
    95 % intervals from 8, 12 and 40 clusters hold the true figure in 94 to 96 of 100
    simulated cases, which the slow tests print; where rows of a cluster are very alike and
    the figure is close to 1 it is fewer (93.6 at 90 %, a correlation of 0.3, 40 clusters).

    With fewer than about 10 clusters (`Clusters.are_few`), or two or three a genre, the
    spread between clusters is little known and the interval is rough: read it as a lower
    bound of the doubt.

    Args:
        label: true classes. [shape=(n,)]
        predicted: predicted classes; several seeds share each resample and the figure is
            their mean. [shape=(n,) or (seeds, n)]
        clusters: of the rows.
        metric: "accuracy" or "macro_f1".
        level: between 0 and 1.

    Returns:
        None where the rows cannot tell: one cluster, or a figure that is the same
        whichever clusters are drawn, such as 100 %.

    Raises:
        ValueError: shapes that do not fit, or a metric or level that cannot be.
    """
    check_level(level)
    drawn = resample(label, predicted, clusters, metric)
    figure, error = drawn.figure, drawn.standard_error
    if not drawn.degrees or error < NO_SPREAD or not 0 < figure < 1:
        return None
    from scipy.special import expit, logit

    centre = float(logit(figure))
    reach = student_t(drawn.degrees, level) * error / (figure * (1 - figure))
    low, high = float(expit(centre - reach)), float(expit(centre + reach))
    return Interval(low, high, level, f"{METHOD}, t on log-odds", clusters.count)


def student_t(degrees: int, level: float) -> float:
    """How many standard errors an interval reaches to each side."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def resample(label: Int64, predicted: Int64, clusters: Clusters, metric: Metric) -> Resampled:
    """The figure in `RESAMPLES` draws of the clusters, the same draws for every model.

    Arguments and errors as in `row_interval`.
    """
    label, lanes = np.asarray(label), np.atleast_2d(predicted)
    if metric not in ("accuracy", "macro_f1"):
        raise ValueError(f"a metric is 'accuracy' or 'macro_f1'. Received: {metric!r}.")
    if label.ndim != 1 or not len(label) or lanes.shape != (len(lanes), len(label)):
        raise ValueError(
            "label must have the shape (n,), predicted (n,) or (seeds, n), n > 0. Received: "
            f"{label.shape} and {np.shape(predicted)}."
        )
    if clusters.index.shape != label.shape:
        raise ValueError(
            f"clusters must be of {len(label)} rows. Received: {clusters.index.shape}."
        )
    if min(label.min(), lanes.min()) < 0:
        raise ValueError("classes must be 0 or more.")
    hits, marked = _class_counts(label, lanes, clusters)
    shape = (-1, *hits.shape[1:])
    flat_hits, flat_marked = (counts.reshape(len(counts), -1) for counts in (hits, marked))
    figures = [
        _figures(
            (weights @ flat_hits).reshape(shape), (weights @ flat_marked).reshape(shape), metric
        )
        for weights in cluster_weights(label, clusters)
    ]
    whole = _figures(hits.sum(axis=0), marked.sum(axis=0), metric)
    strata = len(np.unique(_strata(label, clusters)))
    return Resampled(float(whole), np.concatenate(figures), clusters.count - strata)


def cluster_weights(label: Int64, clusters: Clusters) -> Iterator[Float64]:
    """How much each cluster counts in each resample. [shape=(resamples, clusters)], in parts"""
    rng = np.random.default_rng(_SEED)
    stratum = _strata(label, clusters)
    members = [np.flatnonzero(stratum == one) for one in np.unique(stratum)]
    for done in range(0, RESAMPLES, _AT_ONCE):
        count = min(_AT_ONCE, RESAMPLES - done)
        weights = np.ones((count, clusters.count))
        for ours in members:
            k = len(ours)
            if k > 1:
                cell = rng.integers(0, k, (count, k - 1)) + k * np.arange(count)[:, None]
                times = np.bincount(cell.ravel(), minlength=count * k).reshape(count, k)
                weights[:, ours] = times * (k / (k - 1))
        yield weights


def _strata(label: Int64, clusters: Clusters) -> Int64:
    """What the clusters are drawn within: their label. [shape=(clusters,)]

    Clusters of several labels are a stratum of their own. A stratum of one cluster shows
    no spread, so such join each other, or a lone one the smallest stratum.
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


def _class_counts(label: Int64, lanes: Int64, clusters: Clusters) -> tuple[Float64, Float64]:
    """What each cluster adds to the figures: margins of its confusion matrices.

    Returns:
        Rows of a class that were predicted as it, and rows that are of a class plus rows
        predicted as it. [shape=(clusters, seeds, classes)]
    """
    classes = int(max(label.max(), lanes.max())) + 1
    shape = (clusters.count, len(lanes), classes)
    place = (clusters.index * len(lanes) + np.arange(len(lanes))[:, None]) * classes

    def counts(cells: Int64) -> Float64:
        return np.bincount(cells.ravel(), minlength=math.prod(shape)).reshape(shape).astype(float)

    hits = counts((place + label)[lanes == label])
    return hits, counts(place + label) + counts(place + lanes)


def _figures(hits: Float64, marked: Float64, metric: Metric) -> Float64:
    """Figures, each the mean over seeds, from [shape=(..., seeds, classes)]."""
    if metric == "accuracy":
        return np.asarray((2 * hits.sum(axis=-1) / marked.sum(axis=-1)).mean(axis=-1))
    f1 = np.divide(2 * hits, marked, out=np.zeros_like(hits), where=marked > 0)
    return np.asarray((f1.sum(axis=-1) / (marked > 0).sum(axis=-1)).mean(axis=-1))
