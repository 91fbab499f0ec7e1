"""Findings about single splits: silence, clipping, class balance, numbers of tracks."""

from __future__ import annotations

import numpy as np

from data.auditing.findings import Classes, Finding, Size, number
from data.auditing.rows import Rows
from data.datasets.dataset import SPLITS, Dataset

_MOST_IMBALANCE = 3.0  # times the segments of the smallest class
_FEW_TRACKS = 3


def class_sizes(dataset: Dataset, *, tracks_known: bool) -> Classes:
    """Segments and tracks of each genre in each split."""
    return {
        genre: {
            split: Size(
                int(np.count_nonzero(rows.label == label)),
                len(np.unique(rows.track[rows.label == label])) if tracks_known else None,
            )
            for split, rows in dataset.splits()
        }
        for label, genre in enumerate(dataset.genres)
    }


def silence(rows: Rows) -> Finding:
    """Silent rows, which carry no information about their genre."""
    silent = np.flatnonzero(rows.silent).tolist()
    if not silent:
        return Finding("silence", "fine", "No row is silent.", counts={"rows": 0})
    return Finding(
        "silence",
        "warning",
        f"{number(len(silent), 'row')} {'is' if len(silent) == 1 else 'are'} silent; silence tells "
        "nothing of a genre.",
        "Leave them out, or trim the recordings.",
        {"rows": len(silent)},
        tuple(map(rows.where, silent)),
    )


def clipping() -> Finding:
    """Clipping, which cannot be found in the features."""
    return Finding(
        "clipping",
        "unknown",
        "Features are relative to each second's peak: they do not tell whether it was clipped.",
        "Look for samples at full scale in the recordings themselves.",
    )


def balance(classes: Classes) -> Finding:
    """Classes that are missing from a split, or much larger than others."""
    kind = "class-balance"
    missing = [
        f"{genre}: no rows in {split}"
        for genre, splits in classes.items()
        for split, size in splits.items()
        if not size.segments
    ]
    ratios = {}
    for split in SPLITS:
        sizes = [splits[split].segments for splits in classes.values()]
        ratios[split] = max(sizes) / max(min(sizes), 1)
    counts = {f"largest_to_smallest_{split}": ratio for split, ratio in ratios.items()}
    shown = ", ".join(f"{ratio:.1f} in {split}" for split, ratio in ratios.items())
    if missing:
        return Finding(
            kind,
            "warning",
            f"A genre has no rows in a split, in {number(len(missing), 'case')}: nothing can be "
            "said of it there.",
            "Split again, genre by genre.",
            counts | {"missing": len(missing)},
            tuple(missing),
        )
    if max(ratios.values()) > _MOST_IMBALANCE:
        return Finding(
            kind,
            "warning",
            f"The largest genre has many times the segments of the smallest ({shown}).",
            "Look at macro-F1 rather than accuracy.",
            counts,
        )
    return Finding(
        kind,
        "fine",
        f"Every genre is in every split; the largest has this many times the segments of the "
        f"smallest: {shown}.",
        counts=counts,
    )


def track_counts(classes: Classes) -> Finding | None:
    """Classes that one or two tracks stand for in a split; None where tracks are unknown."""
    known = [
        (genre, split, size.tracks)
        for genre, splits in classes.items()
        for split, size in splits.items()
        if size.tracks is not None
    ]
    if not known:
        return None
    few = [(genre, split, count) for genre, split, count in known if 0 < count < _FEW_TRACKS]
    counts = {"fewest_tracks": min(count for _, _, count in known)}
    if few:
        return Finding(
            "track-counts",
            "warning",
            f"Fewer than {_FEW_TRACKS} tracks stand for a genre in a split, in "
            f"{number(len(few), 'case')}: figures there say more about them than about the genre.",
            "Add recordings, or judge by cross-validation over tracks.",
            counts,
            tuple(f"{genre} in {split}: {number(count, 'track')}" for genre, split, count in few),
        )
    return Finding(
        "track-counts",
        "fine",
        f"At least {counts['fewest_tracks']} tracks stand for every genre in every split.",
        counts=counts,
    )
