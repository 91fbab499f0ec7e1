"""Which rows are equal, nearly equal, or nearest to each other?"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from data.audit.rows import Int64, Rows, distances

# Distance (root mean square of standardised MFCC statistics) below which two rows are
# copies. Measured on the recordings of gtzan_excerpt: 99 % of the seconds of MP3 files at
# the lowest rate lie within 0.20 of the original's; the nearest two seconds of one track
# are 0.29 apart (0.23 in the demo music), of two tracks 0.40 (0.30).
NEAR = 0.2
_LEAST_SECONDS = 5  # that run along another track
_LEAST_SHARE = 0.5  # of a track's seconds


@dataclass(frozen=True)
class Matches:
    """Rows that match others. Silent rows match none.

    Args:
        equal: groups of rows whose features are the same bytes.
        near_in_other_split: nearest row of another split that is nearly equal, or -1.
            [shape=(n,)]
        near_with_other_label: the same with another label, or -1. [shape=(n,)]
        copies: pairs of tracks that are copies of each other, with the share of the
            first one's seconds that say so.
    """

    equal: tuple[tuple[int, ...], ...]
    near_in_other_split: Int64
    near_with_other_label: Int64
    copies: dict[tuple[int, int], float]


def find_matches(rows: Rows) -> Matches:
    """Compare every row with every other; takes time in the square of their number."""
    sound = np.flatnonzero(~rows.silent)
    split, label, track = (values[sound] for values in (rows.split, rows.label, rows.track))
    z = rows.z[sound]
    in_other_split, with_other_label, nearest = (
        np.full(len(rows), -1, dtype=np.int64) for _ in range(3)
    )
    near_tracks: Counter[tuple[int, int]] = Counter()
    for place, distance in distances(z, z):
        here = sound[place]
        near = distance < NEAR
        for found, other in (
            (in_other_split, split[place, None] != split),
            (with_other_label, label[place, None] != label),
        ):
            candidates = np.where(near & other, distance, np.inf)
            best = candidates.argmin(axis=1)
            there = np.isfinite(candidates[np.arange(len(here)), best])
            found[here[there]] = sound[best[there]]
        if not rows.tracks_known:
            continue
        own = track[place, None] == track
        a, b = np.nonzero(near & ~own)
        near_tracks.update(_track_pairs(here[a], track[place][a], track[b]))
        if not own.all():
            distance[own] = np.inf
            nearest[here] = sound[distance.argmin(axis=1)]
    copies = _by_share(rows, near_tracks)
    for pair, share in _by_alignment(rows, nearest).items():
        if pair[::-1] not in copies:
            copies[pair] = max(share, copies.get(pair, 0.0))
    return Matches(_equal(rows, sound), in_other_split, with_other_label, copies)


def _track_pairs(row: Int64, track: Int64, other: Int64) -> list[tuple[int, int]]:
    """Each row once for each other track that has a near row."""
    distinct = np.unique(np.stack([row, track, other], axis=1), axis=0)
    return [(a, b) for _, a, b in distinct.tolist()]


def _by_share(rows: Rows, near: Counter[tuple[int, int]]) -> dict[tuple[int, int], float]:
    """Pairs of tracks where half of the shorter one is nearly equal to rows of the other."""
    length = Counter(rows.track[~rows.silent].tolist())
    copies = {}
    for (a, b), count in sorted(near.items()):
        if (length[a], a) <= (length[b], b) and count >= _LEAST_SHARE * length[a]:
            copies[a, b] = count / length[a]
    return copies


def _by_alignment(rows: Rows, nearest: Int64) -> dict[tuple[int, int], float]:
    """Pairs of tracks where half of one runs along the other, second by second.

    That finds copies whose seconds are cut at other places, so that no two of their rows
    are nearly equal. Measured: of the 328 tracks of gtzan_excerpt and the demo music, none
    of which is a copy, at most 0.22 of the seconds do; of MP3 copies at the lowest rate,
    begun up to 0.73 s later, 0.39 to 1.00, and at least half in 97 of 100.
    """
    copies = {}
    compared = nearest >= 0
    for a in np.unique(rows.track[compared]).tolist():
        mine = np.flatnonzero(compared & (rows.track == a))
        partners = rows.track[nearest[mine]]
        b = int(np.bincount(partners).argmax())
        theirs = partners == b
        offset = rows.second[nearest[mine][theirs]] - rows.second[mine[theirs]]
        steps = Counter(np.round(offset).astype(int).tolist())
        # Cut half a second later, a second is as near to the one before as to the one after.
        aligned = max(steps[step] + steps[step + 1] for step in steps)
        if aligned >= max(_LEAST_SECONDS, _LEAST_SHARE * len(mine)):
            copies[a, b] = aligned / len(mine)
    return copies


def _equal(rows: Rows, sound: Int64) -> tuple[tuple[int, ...], ...]:
    groups: dict[bytes, list[int]] = defaultdict(list)
    splits = [split for _, split in rows.dataset.splits()]
    for i in sound.tolist():
        split, row = splits[rows.split[i]], rows.row[i]
        key = split.mfcc[row].tobytes()
        groups[key if split.mel is None else key + split.mel[row].tobytes()].append(i)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
