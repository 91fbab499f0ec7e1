"""Measures how much a random split of rows would overstate a classifier's accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from data.auditing.findings import Finding, part_of
from data.auditing.row_table import Bool, Float64, Int64, Rows
from data.datasets.dataset import UNKNOWN_TRACK

FOLDS = 5
SEEDS = 2
FITS = 2 * FOLDS * SEEDS  # of one comparison, at most
_MOST_ROWS = 8000  # an SVM's time grows with the square of its rows
_BLOCK_REACHES = 5  # a block's length: one track in five is cut
_SHORTEST_BLOCK = 20  # rows
_UNKNOWN = "What a split by chance adds cannot be measured"


def random_split_gap(rows: Rows, reach: int | None, on_fit: Callable[[], None]) -> Finding:
    """Compare cross-validation of an RBF-SVM by rows with that by tracks or blocks.

    Five folds over all rows, with two seeds. The SVM (C = 3) reads standardised MFCC
    statistics; the standardisation is fitted on the rows that it learns from. By rows:
    stratified folds of shuffled rows. By tracks, or where those are unknown by blocks of
    rows that follow each other in a genre: stratified folds of whole ones.

    Args:
        reach: rows over which likeness lasts; None where rows are in no order.
        on_fit: called after each fit.
    """
    kind = "random-split-gap"
    if reach is None and not rows.tracks_known:
        sentence = (
            f"{_UNKNOWN}: neither tracks nor the order of the rows tell which belong together."
        )
        return Finding(kind, "unknown", sentence)
    groups, length = _groups(rows, reach or 1)
    chosen = some_groups(groups)
    label, groups = rows.label[chosen], groups[chosen]
    folds = min([FOLDS, *(len(np.unique(groups[label == c])) for c in np.unique(label))])
    by = "tracks" if not length else f"blocks of {length} rows"
    x = rows.z[chosen]
    by_rows: list[float] = []
    by_groups: list[float] = []
    for seed in range(SEEDS) if folds > 1 else ():
        for scores, kept in ((by_rows, None), (by_groups, groups)):
            found = held_out(x, label, kept, folds, seed, on_fit)
            scores += [float(is_right.mean()) for _, is_right in found]
    if len(by_groups) < 2:
        sentence = f"{_UNKNOWN}: every genre needs two {by} at least."
        return Finding(kind, "unknown", sentence, "Add recordings.")
    gap = float(np.mean(by_rows) - np.mean(by_groups))
    counts = {
        "accuracy_by_rows": float(np.mean(by_rows)),
        "std_by_rows": float(np.std(by_rows, ddof=1)),
        "accuracy_by_groups": float(np.mean(by_groups)),
        "std_by_groups": float(np.std(by_groups, ddof=1)),
        "gap": gap,
        "fits_each": len(by_rows),
        "rows": len(label),
        "groups": len(np.unique(groups)),
        "block_rows": length,
    }
    of = part_of(len(label), len(rows))
    sentence = (
        f"An SVM reaches {_percent(by_rows)} when rows are split by chance, {_percent(by_groups)} "
        f"when whole {by} are (mean and standard deviation of {len(by_rows)} folds{of}): chance "
        f"adds {100 * gap:.1f} points."
    )
    if length and gap > 0.01:
        advice = "Never report figures of rows split by chance."
        return Finding(kind, "warning", sentence, advice, counts)
    return Finding(kind, "fine", sentence, counts=counts)


def _percent(scores: list[float]) -> str:
    return f"{100 * np.mean(scores):.1f} +- {100 * np.std(scores, ddof=1):.1f} %"


def _groups(rows: Rows, reach: int) -> tuple[Int64, int]:
    """A number for the track of each row, else for its block; and the blocks' length, or 0."""
    if rows.tracks_known:
        return rows.track, 0
    length = max(_BLOCK_REACHES * reach, _SHORTEST_BLOCK)
    groups = np.empty(len(rows), dtype=np.int64)
    used = 0
    for split in np.unique(rows.split):
        for label in np.unique(rows.label):
            here = np.flatnonzero(
                (rows.split == split) & (rows.label == label) & (rows.track == UNKNOWN_TRACK)
            )
            groups[here] = used + np.arange(len(here)) // length
            used += -(-len(here) // length)
    for track in np.unique(rows.track[rows.track != UNKNOWN_TRACK]):
        groups[rows.track == track] = used
        used += 1
    return groups, length


def some_groups(groups: Int64) -> Int64:
    """Rows of randomly drawn whole groups, few enough for an SVM to learn in seconds."""
    if len(groups) <= _MOST_ROWS:
        return np.arange(len(groups))
    order = np.random.default_rng(0).permutation(np.unique(groups))
    sizes = np.bincount(groups)[order]
    kept = order[np.cumsum(sizes) <= _MOST_ROWS]
    return np.flatnonzero(np.isin(groups, kept))


def held_out(
    x: Float64,
    label: Int64,
    groups: Int64 | None,
    folds: int,
    seed: int,
    on_fit: Callable[[], None],
) -> Iterator[tuple[Int64, Bool]]:
    """Rows of each fold, and whether an SVM that learns from the other folds is right on them.

    Args:
        x: statistics of the rows. [shape=(n, d)]
        label: their classes. [shape=(n,)]
        groups: what stays in one fold; None shuffles single rows. [shape=(n,)]
        folds: their number.
        seed: of the folds.
        on_fit: called after each fit.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    for train, test in kind(folds, shuffle=True, random_state=seed).split(x, label, groups):
        if not len(test) or len(np.unique(label[train])) < 2:
            continue  # few and unequal groups
        svm = make_pipeline(StandardScaler(), SVC(C=3.0, cache_size=500))
        is_right = svm.fit(x[train], label[train]).predict(x[test]) == label[test]
        on_fit()
        yield test, is_right
