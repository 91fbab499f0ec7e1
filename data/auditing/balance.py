"""Findings about single splits: silence, clipping, class balance, numbers of tracks."""

from __future__ import annotations

import numpy as np

from data.auditing.findings import Classes, Finding, Size, number
from data.auditing.row_table import Rows
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
    counts = {"rows": len(silent)}
    if not silent:
        return Finding("silence", "fine", "No row is silent.", counts=counts)
    sentence = f"{number(len(silent), 'row', 'is/are')} silent; silence tells nothing of a genre."
    advice = "Leave them out, or trim the recordings."
    return Finding("silence", "warning", sentence, advice, counts, tuple(map(rows.where, silent)))


def clipping() -> Finding:
    """Clipping, which cannot be found in the features."""
    return Finding(
        "clipping",
        "unknown",
        "Features are relative to each segment's peak: they do not tell whether it was clipped.",
        "Look for samples at full scale in the recordings themselves.",
    )


def balance(classes: Classes) -> Finding:
    """Classes that are missing from a split, or much larger than others."""
    missing = tuple(
        f"{genre}: no rows in {split}"
        for genre, splits in classes.items()
        for split, size in splits.items()
        if not size.segments
    )
    counts: dict[str, float] = {}
    for split in SPLITS:
        sizes = [splits[split].segments for splits in classes.values()]
        counts[f"largest_to_smallest_{split}"] = max(sizes) / max(min(sizes), 1)
    shown = ", ".join(
        f"{ratio:.1f} in {split}" for split, ratio in zip(SPLITS, counts.values(), strict=True)
    )
    if not missing and max(counts.values()) <= _MOST_IMBALANCE:
        sentence = (
            f"Every genre is in every split; the largest has this many times the segments of the "
            f"smallest: {shown}."
        )
        return Finding("class-balance", "fine", sentence, counts=counts)
    sentence = f"The largest genre has many times the segments of the smallest ({shown})."
    advice = "Look at macro-F1 rather than accuracy."
    if missing:
        counts["missing"] = len(missing)
        sentence = (
            f"A genre has no rows in a split, in {number(len(missing), 'case')}: nothing can be "
            "said of it there."
        )
        advice = "Split again, genre by genre."
    return Finding("class-balance", "warning", sentence, advice, counts, missing)


def track_counts(classes: Classes) -> Finding | None:
    """Classes that one or two tracks stand for in a split; None where tracks are unknown."""
    known = {
        f"{genre} in {split}": size.tracks
        for genre, splits in classes.items()
        for split, size in splits.items()
        if size.tracks is not None
    }
    if not known:
        return None
    few = {place: count for place, count in known.items() if 0 < count < _FEW_TRACKS}
    counts = {"fewest_tracks": min(known.values())}
    if not few:
        sentence = (
            f"At least {counts['fewest_tracks']} tracks stand for every genre in every split."
        )
        return Finding("track-counts", "fine", sentence, counts=counts)
    return Finding(
        "track-counts",
        "warning",
        f"Fewer than {_FEW_TRACKS} tracks stand for a genre in a split, in "
        f"{number(len(few), 'case')}: figures there say more about them than about the genre.",
        "Add recordings, or judge by cross-validation over tracks.",
        counts,
        tuple(f"{place}: {number(count, 'track')}" for place, count in few.items()),
    )
