"""Findings about what is in a dataset twice: tracks, rows, and rows with two labels."""

from __future__ import annotations

from collections import Counter

import numpy as np

from data.audit.findings import Finding, number
from data.audit.matches import NEAR, Matches
from data.audit.rows import Rows
from data.datasets.dataset import SPLITS, UNKNOWN_TRACK

_LEAST_NEAR = 3  # nearly equal rows that are no accident where tracks are unknown


def tracks_apart(rows: Rows) -> Finding:
    """Whether a track is in two splits."""
    kind = "tracks"
    if not (rows.track != UNKNOWN_TRACK).any():
        return Finding(
            kind,
            "unknown",
            "The rows name no tracks, so whether a track is in two splits can only be measured.",
            "Build the dataset from recordings (python -m data build), where you have them.",
        )
    places = {
        track: sorted(set(rows.split[rows.track == track].tolist()))
        for track in np.unique(rows.track[rows.track != UNKNOWN_TRACK]).tolist()
    }
    shared = {track: splits for track, splits in places.items() if len(splits) > 1}
    counts = {"tracks": len(places), "tracks_in_two_splits": len(shared)}
    if not shared:
        unnamed = int((rows.track == UNKNOWN_TRACK).sum())
        if unnamed:
            return Finding(
                kind,
                "unknown",
                f"No named track is in two splits, but {number(unnamed, 'row')} name none.",
                "Name the track of every row.",
                counts | {"rows_without_track": unnamed},
            )
        return Finding(kind, "fine", "No track is in two splits.", counts=counts)
    return Finding(
        kind,
        "leak",
        f"{number(len(shared), 'track')} of {len(places)} {_are(len(shared))} in more than one "
        "split: the test measures memory.",
        "Put every track into one split.",
        counts,
        tuple(
            f"{rows.track_name(track)}: {' and '.join(SPLITS[split] for split in splits)}"
            for track, splits in shared.items()
        ),
    )


def equal_rows(rows: Rows, matches: Matches) -> Finding:
    """Rows whose features are the same bytes."""
    kind = "exact-duplicates"
    across = [group for group in matches.equal if len(set(rows.split[list(group)].tolist())) > 1]
    extra = sum(len(group) - len(set(rows.split[list(group)].tolist())) for group in matches.equal)
    counts = {
        "rows_equal_across_splits": sum(map(len, across)),
        "rows_repeated_inside_a_split": extra,
    }
    if across:
        return Finding(
            kind,
            "leak",
            f"{number(sum(map(len, across)), 'row')} of different splits equal each other, byte "
            "for byte.",
            "Remove them from all splits but one.",
            counts,
            tuple(" = ".join(map(rows.where, group[:3])) for group in across),
        )
    if extra:
        return Finding(
            kind,
            "warning",
            f"{number(extra, 'row')} {_repeat(extra)} others of the same split, byte for byte; "
            "none is in two splits.",
            "Remove the repetitions, or know that these rows count more than once.",
            counts,
            tuple(" = ".join(map(rows.where, group[:3])) for group in matches.equal),
        )
    return Finding(kind, "fine", "No two rows are equal.", counts=counts)


def near_rows(rows: Rows, matches: Matches) -> Finding:
    """Rows that are nearly equal to rows of another split, as lossy copies are."""
    kind = "near-duplicates"
    equal = {i for group in matches.equal for i in group}
    near = [i for i in np.flatnonzero(matches.near_in_other_split >= 0).tolist() if i not in equal]
    counts = {"rows_near_another_split": len(near), "distance": NEAR}
    if not near:
        return Finding(
            kind,
            "fine",
            "No row is nearly equal to one of another split, as lossy copies would be.",
            counts=counts,
        )
    unnamed = len(near) >= _LEAST_NEAR and not rows.tracks_known
    return Finding(
        kind,
        "leak" if unnamed else "warning",
        f"{number(len(near), 'row')} {_are(len(near))} nearly equal to rows of another split, as "
        "lossy copies of the same second are.",
        "Listen to both; keep one.",
        counts,
        tuple(f"{rows.where(i)} ~ {rows.where(matches.near_in_other_split[i])}" for i in near),
    )


def copied_tracks(rows: Rows, matches: Matches) -> Finding | None:
    """Pairs of tracks that are one recording under two names."""
    if not rows.tracks_known:
        return None
    kind = "copied-tracks"
    splits: dict[int, set[int]] = {
        track: set(rows.split[rows.track == track].tolist())
        for pair in matches.copies
        for track in pair
    }
    across = {
        pair: share
        for pair, share in matches.copies.items()
        if len(splits[pair[0]] | splits[pair[1]]) > 1
    }
    counts = {"pairs_across_splits": len(across), "pairs": len(matches.copies)}
    shown = across or matches.copies
    examples = tuple(
        f"{rows.track_name(a)} ({_names(splits[a])}) ~ {rows.track_name(b)} ({_names(splits[b])}): "
        f"{share:.0%} of its seconds"
        for (a, b), share in sorted(shown.items(), key=lambda item: -item[1])
    )
    if across:
        return Finding(
            kind,
            "leak",
            f"{number(len(across), 'pair')} of tracks in different splits {_are(len(across))} one "
            "recording under two names.",
            "Keep one of each pair, or put both into one split.",
            counts,
            examples,
        )
    if matches.copies:
        return Finding(
            kind,
            "warning",
            f"{number(len(matches.copies), 'pair')} of tracks of one split "
            f"{_are(len(matches.copies))} one recording under two names.",
            "Keep one of each pair, or know that these recordings count twice.",
            counts,
            examples,
        )
    return Finding(kind, "fine", "No two tracks are one recording under two names.", counts=counts)


def label_conflicts(rows: Rows, matches: Matches) -> Finding:
    """Equal or nearly equal rows with different labels."""
    kind = "label-conflicts"
    conflicting = np.flatnonzero(matches.near_with_other_label >= 0).tolist()
    counts = {"rows": len(conflicting)}
    if not conflicting:
        return Finding(
            kind, "fine", "No equal or nearly equal rows have different genres.", counts=counts
        )
    genres = rows.dataset.genres
    pairs = Counter(
        tuple(sorted((genres[rows.label[i]], genres[rows.label[j]])))
        for i, j in zip(
            conflicting, matches.near_with_other_label[conflicting].tolist(), strict=True
        )
    )
    (one, other), _ = pairs.most_common(1)[0]
    return Finding(
        kind,
        "warning",
        f"{number(len(conflicting), 'row')} {_are(len(conflicting))} equal or nearly equal to rows "
        f"of another genre, most often {one} and {other}: no network can get both right.",
        "Decide on one genre, or leave both out.",
        counts,
        tuple(
            f"{rows.where(i)} is {genres[rows.label[i]]}, {rows.where(j)} is "
            f"{genres[rows.label[j]]}"
            for i, j in zip(
                conflicting, matches.near_with_other_label[conflicting].tolist(), strict=True
            )
            if i < j or matches.near_with_other_label[j] != i
        ),
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _repeat(count: int) -> str:
    return "repeats" if count == 1 else "repeat"


def _names(splits: set[int]) -> str:
    return " and ".join(SPLITS[split] for split in sorted(splits))
