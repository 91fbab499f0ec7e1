"""Whether rows that follow each other are alike, and whether splits share unnamed tracks.

`contiguity`, `shared_shares` and `boundaries` measure; the other functions make findings
of what they return.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.auditing.findings import Finding, number, part_of
from data.auditing.neighbours import EXACT_ROWS, apart, distances
from data.auditing.row_table import Float64, Int64, Rows
from data.datasets.dataset import SPLITS, SplitName

_PERMUTATIONS = 199
_LONGEST_REACH = 60  # rows
_PIECE = 200  # rows, where not all are read
_MOST_COMPARED = 5000  # rows of a split
_NEAR_QUANTILE = 0.1  # of the distances to the nearest row of another track
_EDGE = 5  # rows at the end of one split that are compared with those at the beginning of another
_PAIRS = 20_000  # of places, drawn to know how alike different tracks are
_ALPHA = 0.01  # chance of one false alarm over all boundaries
# Measured without their tracks: 24 splits by whole tracks gave -0.13 to 0.28 in the demo music
# and -0.10 to 0.60 in gtzan_excerpt (some 9 tracks in validation); by rows, 0.67 to 1.32.
_SHARED_AT_LEAST = 0.65


@dataclass(frozen=True)
class Contiguity:
    """How alike rows are that follow each other in one class.

    Args:
        ratio: their distance, divided by that of two rows of the class at random.
        p: chance of such a ratio among rows in random order.
        reach: rows over which the likeness lasts: about the length of a track.
        rows: that were compared.
    """

    ratio: float
    p: float
    reach: int
    rows: int

    @property
    def found(self) -> bool:
        """Whether rows that follow each other are alike."""
        return self.p <= 0.01 and self.ratio < 0.95


@dataclass(frozen=True)
class Boundary:
    """A place where one split seems to go on in another: the same track on both sides."""

    label: int
    end_of: int
    beginning_of: int
    p: float


def contiguity(rows: Rows) -> Contiguity | None:
    """Compare followers in a class with random orders of the class (a permutation test).

    Of more than `EXACT_ROWS` rows it reads as many, in random pieces of rows that follow
    each other. None where no class has two rows in a split.
    """
    rng = np.random.default_rng(0)
    sound = np.flatnonzero(~rows.silent)
    key = rows.split[sound] * len(rows.dataset.genres) + rows.label[sound]  # split and class
    order = np.argsort(key, kind="stable")
    piece = np.zeros(len(order), dtype=np.int64)
    if len(order) > EXACT_ROWS:
        piece = np.arange(len(order)) // _PIECE
        kept = rng.choice(piece[-1], EXACT_ROWS // _PIECE, replace=False)
        order, piece = (values[np.isin(piece, kept)] for values in (order, piece))
    z, key = rows.z[sound[order]], key[order]

    def followers(lag: int) -> Int64:
        """Rows whose class and piece go on `lag` rows later."""
        return np.flatnonzero((key[:-lag] == key[lag:]) & (piece[:-lag] == piece[lag:]))

    first = followers(1)
    if not len(first):
        return None
    size = int(key.max()) + 1
    totals = np.empty((_PERMUTATIONS, size))  # of distances in each class
    for one in range(_PERMUTATIONS):
        # Sorting by class, then by chance, moves rows within their class and split only.
        mixed = z[np.lexsort((rng.random(len(key)), key))]
        totals[one] = np.bincount(key[first], apart(mixed[first], mixed[first + 1]), size)
    count = np.maximum(np.bincount(key[first], minlength=size), 1)
    scale = np.maximum(totals.mean(axis=0) / count, np.finfo(float).tiny)
    chance = (totals / scale).sum(axis=1) / len(first)

    def ratio(lag: int) -> float:
        near = followers(lag)
        far = apart(z[near], z[near + lag]) / scale[key[near]]
        return float(far.mean()) if len(near) else 1.0

    ratios = [ratio(lag) for lag in range(1, _LONGEST_REACH + 1)]
    p = (1 + int((chance <= ratios[0]).sum())) / (_PERMUTATIONS + 1)
    faded = [lag for lag, value in enumerate(ratios, 1) if 1 - value < 0.1 * (1 - ratios[0])]
    reach = min(faded, default=_LONGEST_REACH)
    return Contiguity(ratios[0], p, reach, len(z))


def shared_shares(rows: Rows, reach: int) -> dict[SplitName, float]:
    """Estimate which share of the rows of validation and of test have their track in train, too.

    Where no track is shared, rows are as far from their nearest train row as train rows
    are from train rows of other tracks, which are those more than three times the reach
    away. Where all are, they are as far as train rows are from all other train rows.

    Args:
        rows: of a dataset without tracks, in the order of their file.
        reach: rows over which likeness lasts.

    Returns:
        About 0 to 1, for each split for which it can be estimated.
    """
    train = np.flatnonzero((rows.split == 0) & ~rows.silent)
    train = train[np.argsort(rows.row[train], kind="stable")]
    z, place = rows.z[train], rows.row[train]
    compared = _some(len(train))
    all_others, other_tracks = (np.full(len(compared), np.inf) for _ in range(2))
    for block, distance in distances(z[compared], z):
        itself = compared[block]
        distance[np.arange(len(itself)), itself] = np.inf
        all_others[block] = distance.min(axis=1)
        begins = np.searchsorted(place, place[itself] - 3 * reach)
        ends = np.searchsorted(place, place[itself] + 3 * reach, side="right")
        for line, begin, end in zip(distance, begins, ends, strict=True):
            line[begin:end] = np.inf
        other_tracks[block] = distance.min(axis=1)
    label = rows.label[train[compared]]
    shares: dict[SplitName, float] = {}
    for split in (1, 2):
        here = np.flatnonzero((rows.split == split) & ~rows.silent)
        here = here[_some(len(here))]
        near_here, near_at_most, n = 0.0, 0.0, 0
        nearest = np.empty(len(here))
        if len(train):
            for block, distance in distances(rows.z[here], z):
                nearest[block] = distance.min(axis=1)
        for genre in np.unique(rows.label[here]).tolist():
            of_train, of_here = label == genre, rows.label[here] == genre
            if not np.isfinite(other_tracks[of_train]).all() or not of_train.any():
                continue
            limit = np.quantile(other_tracks[of_train], _NEAR_QUANTILE)
            near_here += float((nearest[of_here] < limit).sum())
            near_at_most += float((all_others[of_train] < limit).mean() * of_here.sum())
            n += int(of_here.sum())
        if n and near_at_most / n >= 1.5 * _NEAR_QUANTILE:
            share = (near_here / n - _NEAR_QUANTILE) / (near_at_most / n - _NEAR_QUANTILE)
            shares[SPLITS[split]] = share
    return shares


def _some(n: int) -> Int64:
    """Numbers of all rows, or of some at random where there are many."""
    if n <= _MOST_COMPARED:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, _MOST_COMPARED, replace=False))


def boundaries(rows: Rows, reach: int) -> list[Boundary]:
    """Places where the end of a class in one split goes on at its beginning in another.

    The mean of the last rows is compared with the mean of the first. They count as one
    track where they are as alike as the means of neighbours are in the median, and
    more alike than all but a few means of places far apart in the class. Measured on the
    demo music and gtzan_excerpt without their tracks: 1 of 60 datasets whose tracks were
    apart had such a place; of the tracks that were cut, 7 and 23 in 100 showed.
    """
    rng = np.random.default_rng(0)
    labels = np.unique(rows.label).tolist()
    sides = [(a, b) for a in range(len(SPLITS)) for b in range(len(SPLITS)) if a != b]
    found = []
    for label in labels:
        mine = (rows.label == label) & ~rows.silent
        means = [_means(rows.z[mine & (rows.split == k)]) for k in range(len(SPLITS))]
        largest = max(means, key=len)
        i, j = rng.integers(0, max(len(largest), 1), (2, _PAIRS))
        far = np.abs(i - j) > 3 * reach
        if not far.any():
            continue
        usual = apart(largest[i[far]], largest[j[far]])
        neighbours = apart(largest[:-_EDGE], largest[_EDGE:])
        for a, b in sides:
            if not len(means[a]) or not len(means[b]):
                continue
            distance = float(apart(means[a][-1:], means[b][:1])[0])
            p = (1 + int((usual <= distance).sum())) / (1 + len(usual))
            if p < _ALPHA / (len(labels) * len(sides)) and distance <= np.median(neighbours):
                found.append(Boundary(label, a, b, p))
    return found


def _means(z: Float64) -> Float64:
    """Means of each `_EDGE` rows that follow each other. [shape=(n - _EDGE + 1, d)]"""
    if len(z) < _EDGE:
        return np.empty((0, z.shape[1]))
    means: Float64 = np.lib.stride_tricks.sliding_window_view(z, _EDGE, axis=0).mean(axis=-1)
    return means


def followers(rows: Rows, found: Contiguity | None) -> Finding:
    """Whether rows that follow each other are alike, so that chance must not part them."""
    kind = "contiguous-neighbours"
    if found is None or not found.found:
        sentence = "Rows that follow each other are no more alike than others"
        if rows.tracks_known:
            return Finding(kind, "fine", f"{sentence}.")
        return Finding(
            kind,
            "unknown",
            f"{sentence}: their order does not tell which belong to one track.",
            "Find out where the rows come from before you believe a test figure.",
            {} if found is None else {"ratio": found.ratio, "p": found.p},
        )
    counts = {"ratio": found.ratio, "p": found.p, "reach_rows": found.reach}
    part = part_of(found.rows, int((~rows.silent).sum()))
    alike = (
        f"Rows that follow each other in a genre are {1 - found.ratio:.0%} nearer than rows of the "
        f"genre at random (p = {found.p:.3f}{part}), for about {found.reach} rows"
    )
    if rows.tracks_known:
        return Finding(kind, "fine", f"{alike}: tracks, which are known.", counts=counts)
    return Finding(
        kind,
        "warning",
        f"{alike}: they are of one track, and a split of these rows by chance would leak.",
        "Never split these rows by chance, in cross-validation either: use long blocks of them.",
        counts,
    )


def shared_tracks(rows: Rows, reach: int) -> Finding:
    """Whether validation or test rows have nearest train rows as near as those of their track."""
    kind = "split-neighbours"
    shares = shared_shares(rows, reach)
    if not shares:
        sentence = "There are too few rows to tell whether splits share tracks."
        return Finding(kind, "unknown", sentence)
    counts = {f"shared_{split}": share for split, share in shares.items()}
    shown = ", ".join(f"{split} {share:.2f}" for split, share in shares.items())
    sizes = np.bincount(rows.split[~rows.silent])
    part = part_of(int(np.minimum(sizes, _MOST_COMPARED).sum()), int(sizes.sum()))
    shown += f"{part}; 0: as far from train as other tracks are, 1: as near as rows of one track"
    if max(shares.values()) < _SHARED_AT_LEAST:
        sentence = f"The nearest train rows are about as far as those of other tracks ({shown})."
        return Finding(kind, "fine", sentence, counts=counts)
    return Finding(
        kind,
        "leak",
        f"Rows have their nearest train rows where rows of their own track would be ({shown}).",
        "Split again by whole tracks, or by long blocks of rows that follow each other.",
        counts,
    )


def cut_tracks(rows: Rows, reach: int) -> Finding:
    """Whether the end of a split goes on in the beginning of another."""
    kind = "split-boundaries"
    found = boundaries(rows, reach)
    counts = {"boundaries": len(found)}
    if not found:
        sentence = (
            "No split is seen to go on where another ends; of tracks that are cut there, only some "
            "show."
        )
        return Finding(kind, "fine", sentence, counts=counts)
    return Finding(
        kind,
        "leak",
        f"Rows of one track end one split and begin another, by their likeness, in "
        f"{number(len(found), 'place')}: the track is cut in two.",
        "Leave out the rows of that track on one side.",
        counts,
        tuple(
            f"{rows.dataset.genres[place.label]}: the end of {SPLITS[place.end_of]} goes on at the "
            f"beginning of {SPLITS[place.beginning_of]} (p = {place.p:.1g})"
            for place in found
        ),
    )
