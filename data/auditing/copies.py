"""What is in a dataset twice: tracks, rows, and rows with two labels.

`find_matches` compares rows; the other functions make findings of its result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.auditing.findings import Finding, number
from data.auditing.neighbours import EXACT_ROWS, Float, comparisons, distances, grouped
from data.auditing.row_table import Int64, Rows
from data.datasets.dataset import SPLITS, UNKNOWN_TRACK

# Distance (root mean square of standardised MFCC statistics) below which two rows are
# copies. Measured on the recordings of gtzan_excerpt: 99 % of the seconds of MP3 files at
# the lowest rate lie within 0.20 of the original's; the nearest two seconds of one track
# are 0.29 apart (0.23 in the demo music), of two tracks 0.40 (0.30).
NEAR = 0.2
_LEAST_ALIGNED = 5  # rows that run along another track
_LEAST_SHARE = 0.5  # of a track's seconds
_LEAST_NEAR = 3  # nearly equal rows that are no accident where tracks are unknown
_MOST_TRACKS = 100  # that a row is near to; one near to more, such as noise, marks none of them


@dataclass(frozen=True)
class Matches:
    """Rows that match others. Silent rows match none.

    Args:
        equal: groups of rows whose features are the same bytes.
        near_in_other_split: nearest row of another split that is nearly equal, or -1.
            [shape=(n,)]
        near_with_other_label: the same with another label, or -1. [shape=(n,)]
        copies: pairs of tracks that are copies of each other, with the share of the
            first one's seconds that match.
    """

    equal: tuple[tuple[int, ...], ...]
    near_in_other_split: Int64
    near_with_other_label: Int64
    copies: dict[tuple[int, int], float]


class _Nearest:
    """The nearest of the rows that each row was compared with so far; -1 before the first."""

    def __init__(self, n: int) -> None:
        self.row = np.full(n, -1, dtype=np.int64)
        self._distance = np.full(n, np.inf)

    def update(self, rows: Int64, others: Int64, distance: Float) -> None:
        """Compare each of `rows` with the one beside it in `others`."""
        order = np.lexsort((others, distance, rows))
        rows, first = np.unique(rows[order], return_index=True)
        best = order[first]
        closer = distance[best] < self._distance[rows]
        self.row[rows[closer]] = others[best[closer]]
        self._distance[rows[closer]] = distance[best[closer]]


def find_matches(rows: Rows) -> Matches:
    """Find rows that are nearly equal to others, and tracks that are copies of others.

    All nearly equal rows are found. The row of another track that is nearest to a row is
    found, if there are more than `EXACT_ROWS`, for about 98 in 100 seconds that were cut
    between two others.
    """
    sound = np.flatnonzero(~rows.silent)
    split, label, track = rows.split, rows.label, rows.track
    z: Float = rows.z if len(sound) <= EXACT_ROWS else rows.z.astype(np.float32)
    in_other_split, with_other_label, in_other_track = (_Nearest(len(rows)) for _ in range(3))
    tracks = int(track.max()) + 1
    near_to = np.zeros(len(rows), dtype=np.int64)  # other tracks
    near_tracks = [np.empty(0, dtype=np.int64)]  # row * tracks + other track
    for some, others in comparisons(z[sound], NEAR):
        others = sound[others]
        for block, distance in distances(z[sound[some]], z[others]):
            here = sound[some[block]]
            i, j = np.nonzero(distance < NEAR)
            a, b, near = here[i], others[j], distance[i, j]
            for nearest, differs in (
                (in_other_split, split[a] != split[b]),
                (with_other_label, label[a] != label[b]),
            ):
                nearest.update(a[differs], b[differs], near[differs])
            if not rows.tracks_known:
                continue
            counted = (track[a] != track[b]) & (near_to[a] < _MOST_TRACKS)
            pairs = np.unique(a[counted] * tracks + track[b[counted]])
            near_to += np.bincount(pairs // tracks, minlength=len(rows))
            near_tracks.append(pairs)
            best = distance.argmin(axis=1)
            own = np.flatnonzero(track[here] == track[others[best]])
            rest = np.where(track[here[own], None] == track[others], np.inf, distance[own])
            distance[own], best[own] = rest, rest.argmin(axis=1)
            least = distance[np.arange(len(here)), best]
            compared = np.isfinite(least)
            in_other_track.update(here[compared], others[best[compared]], least[compared])
    copies = {}
    if rows.tracks_known:
        row, other = np.divmod(np.unique(np.concatenate(near_tracks)), tracks)
        copies = _by_share(rows, track[row], other)
        for pair, share in _by_alignment(rows, in_other_track.row).items():
            if pair[::-1] not in copies:
                copies[pair] = max(share, copies.get(pair, 0.0))
    return Matches(_equal(rows, sound), in_other_split.row, with_other_label.row, copies)


def _by_share(rows: Rows, track: Int64, near: Int64) -> dict[tuple[int, int], float]:
    """Pairs of tracks where half of the shorter one is nearly equal to rows of the other.

    Args:
        track: of each row that is nearly equal to rows of another track.
        near: that other track.
    """
    length = np.bincount(rows.track[~rows.silent], minlength=int(rows.track.max()) + 1)
    pairs, counts = np.unique(np.stack([track, near], axis=1), axis=0, return_counts=True)
    copies = {}
    for (a, b), share in zip(pairs.tolist(), (counts / length[pairs[:, 0]]).tolist(), strict=True):
        if share >= _LEAST_SHARE and (length[a], a) <= (length[b], b):
            copies[a, b] = share
    return copies


def _by_alignment(rows: Rows, nearest: Int64) -> dict[tuple[int, int], float]:
    """Pairs of tracks where half of one runs along the other, segment by segment.

    That finds copies whose seconds are cut at other places, so that no two of their rows
    are nearly equal. Measured: of the 328 tracks of gtzan_excerpt and the demo music, none
    of which is a copy, at most 0.22 of the seconds do; of MP3 copies at the lowest rate,
    begun up to 0.73 s later, 0.39 to 1.00, and at least half in 97 of 100.
    """
    copies = {}
    compared = np.flatnonzero(nearest >= 0)
    for a, mine in grouped(rows.track[compared], compared):
        partners = rows.track[nearest[mine]]
        b = int(np.bincount(partners).argmax())
        theirs = partners == b
        offset = rows.place[nearest[mine][theirs]] - rows.place[mine[theirs]]
        steps = Counter(np.round(offset).astype(int).tolist())
        # Cut half a second later, a second is as near to the one before as to the one after.
        aligned = max(steps[step] + steps[step + 1] for step in steps)
        if aligned >= max(_LEAST_ALIGNED, _LEAST_SHARE * len(mine)):
            copies[a, b] = aligned / len(mine)
    return copies


def _equal(rows: Rows, sound: Int64) -> tuple[tuple[int, ...], ...]:
    splits = [split for _, split in rows.dataset.splits()]
    values = np.concatenate([split.statistics() for split in splits])
    first = np.cumsum([0, *map(len, splits[:-1])])
    values = values[first[rows.split[sound]] + rows.row[sound]]
    values = values.view(np.dtype((np.void, values.dtype.itemsize * values.shape[1])))[:, 0]
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    groups: dict[bytes, list[int]] = defaultdict(list)
    for place in np.flatnonzero(size[group] > 1).tolist():
        i, key = int(sound[place]), values[place].tobytes()
        mel = splits[rows.split[i]].mel
        groups[key if mel is None else key + mel[rows.row[i]].tobytes()].append(i)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def tracks_apart(rows: Rows) -> Finding:
    """Whether a track is in two splits."""
    kind = "tracks"
    named = rows.track != UNKNOWN_TRACK
    if not named.any():
        return Finding(
            kind,
            "unknown",
            "The rows name no tracks, so whether a track is in two splits can only be measured.",
            "Build the dataset from recordings (python -m data build), where you have them.",
        )
    places = _splits_of_tracks(rows)
    shared = {track: splits for track, splits in places.items() if len(splits) > 1}
    counts = {"tracks": len(places), "tracks_in_two_splits": len(shared)}
    if shared:
        sentence = (
            f"{number(len(shared), 'track')} of {len(places)} {'is' if len(shared) == 1 else 'are'}"
            " in more than one split: the test measures memory."
        )
        examples = (f"{rows.track_name(track)}: {_and(splits)}" for track, splits in shared.items())
        advice = "Put every track into one split."
        return Finding(kind, "leak", sentence, advice, counts, tuple(examples))
    unnamed = int((~named).sum())
    if unnamed:
        sentence = f"No named track is in two splits, but {number(unnamed, 'row')} name none."
        counts["rows_without_track"] = unnamed
        return Finding(kind, "unknown", sentence, "Name the track of every row.", counts)
    return Finding(kind, "fine", "No track is in two splits.", counts=counts)


def equal_rows(rows: Rows, matches: Matches) -> Finding:
    """Rows whose features are the same bytes."""
    kind = "exact-duplicates"
    splits = [_splits(rows, group) for group in matches.equal]
    across = [group for group, of in zip(matches.equal, splits, strict=True) if len(of) > 1]
    extra = sum(map(len, matches.equal)) - sum(map(len, splits))
    counts = {
        "rows_equal_across_splits": sum(map(len, across)),
        "rows_repeated_inside_a_split": extra,
    }
    if not matches.equal:
        return Finding(kind, "fine", "No two rows are equal.", counts=counts)
    shown = across or matches.equal
    examples = tuple(" = ".join(map(rows.where, group[:3])) for group in shown)
    if across:
        sentence = (
            f"{number(sum(map(len, across)), 'row')} of different splits equal each other, byte "
            "for byte."
        )
        advice = "Remove them from all splits but one."
        return Finding(kind, "leak", sentence, advice, counts, examples)
    sentence = (
        f"{number(extra, 'row', 'repeats/repeat')} others of the same split, byte for byte; none "
        "is in two splits."
    )
    advice = "Remove the repetitions, or know that these rows count more than once."
    return Finding(kind, "warning", sentence, advice, counts, examples)


def near_rows(rows: Rows, matches: Matches) -> Finding:
    """Rows that are nearly equal to rows of another split, as lossy copies are."""
    kind = "near-duplicates"
    equal = {i for group in matches.equal for i in group}
    near = [i for i in np.flatnonzero(matches.near_in_other_split >= 0).tolist() if i not in equal]
    counts = {"rows_near_another_split": len(near), "distance": NEAR}
    if not near:
        sentence = "No row is nearly equal to one of another split, as lossy copies would be."
        return Finding(kind, "fine", sentence, counts=counts)
    unnamed = len(near) >= _LEAST_NEAR and not rows.tracks_known
    return Finding(
        kind,
        "leak" if unnamed else "warning",
        f"{number(len(near), 'row', 'is/are')} nearly equal to rows of another split, as lossy "
        "copies of the same second are.",
        "Listen to both; keep one.",
        counts,
        tuple(f"{rows.where(i)} ~ {rows.where(matches.near_in_other_split[i])}" for i in near),
    )


def copied_tracks(rows: Rows, matches: Matches) -> Finding | None:
    """Pairs of tracks that are one recording under two names."""
    if not rows.tracks_known:
        return None
    kind = "copied-tracks"
    splits = _splits_of_tracks(rows)
    across = {
        (a, b): share
        for (a, b), share in matches.copies.items()
        if len({*splits[a], *splits[b]}) > 1
    }
    counts = {"pairs_across_splits": len(across), "pairs": len(matches.copies)}
    if not matches.copies:
        sentence = "No two tracks are one recording under two names."
        if len(rows) > EXACT_ROWS:
            sentence += " Each row was compared with those that are likely to be near it."
        return Finding(kind, "fine", sentence, counts=counts)
    shown = across or matches.copies
    examples = tuple(
        f"{rows.track_name(a)} ({_and(splits[a])}) ~ {rows.track_name(b)} ({_and(splits[b])}): "
        f"{share:.0%} of its seconds"
        for (a, b), share in sorted(shown.items(), key=lambda item: -item[1])
    )
    where = "in different splits" if across else "of one split"
    other = "put both into one split" if across else "know that these recordings count twice"
    return Finding(
        kind,
        "leak" if across else "warning",
        f"{number(len(shown), 'pair')} of tracks {where} {'is' if len(shown) == 1 else 'are'} one "
        "recording under two names.",
        f"Keep one of each pair, or {other}.",
        counts,
        examples,
    )


def label_conflicts(rows: Rows, matches: Matches) -> Finding:
    """Equal or nearly equal rows with different labels."""
    kind = "label-conflicts"
    near = {i: j for i, j in enumerate(matches.near_with_other_label.tolist()) if j >= 0}
    counts = {"rows": len(near)}
    if not near:
        sentence = "No equal or nearly equal rows have different genres."
        return Finding(kind, "fine", sentence, counts=counts)
    genre = [rows.dataset.genres[label] for label in rows.label]
    pairs = Counter(tuple(sorted((genre[i], genre[j]))) for i, j in near.items())
    (one, other), _ = pairs.most_common(1)[0]
    return Finding(
        kind,
        "warning",
        f"{number(len(near), 'row', 'is/are')} equal or nearly equal to rows of another genre, "
        f"most often {one} and {other}: no network can get both right.",
        "Decide on one genre, or leave both out.",
        counts,
        tuple(
            f"{rows.where(i)} is {genre[i]}, {rows.where(j)} is {genre[j]}"
            for i, j in near.items()
            if i < j or near.get(j) != i
        ),
    )


def _splits_of_tracks(rows: Rows) -> dict[int, list[int]]:
    """The splits of each named track, in order."""
    places: dict[int, list[int]] = {}
    pairs = np.unique(np.stack([rows.track, rows.split], axis=1), axis=0)
    for track, split in pairs[pairs[:, 0] != UNKNOWN_TRACK].tolist():
        places.setdefault(track, []).append(split)
    return places


def _splits(rows: Rows, which: Sequence[int] | Int64) -> list[int]:
    """The splits of some rows, in order."""
    return sorted(set(rows.split[list(which)].tolist()))


def _and(splits: list[int]) -> str:
    return " and ".join(SPLITS[split] for split in splits)
