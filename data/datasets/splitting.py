"""Assigns tracks to splits: whole tracks only, genre by genre."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from data.datasets.dataset import SPLITS, SplitName
from data.errors import DataError
from data.files.plain import plain_file

DEFAULT_SHARES = (0.60, 0.15, 0.25)  # of the tracks in train, validation and test
_NAMES: dict[str, SplitName] = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}


def check_shares(shares: Sequence[float]) -> dict[SplitName, float]:
    """The share of each split.

    Raises:
        DataError: they are not three positive numbers that add up to 1.
    """
    numbers = isinstance(shares, Sequence) and all(isinstance(n, (int, float)) for n in shares)
    positive = numbers and len(shares) == len(SPLITS) and all(share > 0 for share in shares)
    if not positive or not math.isclose(sum(shares), 1.0):
        raise DataError(
            "shares must be three positive numbers that add up to 1, for train, validation and "
            f"test, such as {DEFAULT_SHARES}. Received: {shares!r}."
        )
    return dict(zip(SPLITS, shares, strict=True))


def split_by_share(
    tracks: Mapping[str, Sequence[str]], shares: Mapping[SplitName, float], seed: int
) -> dict[str, SplitName]:
    """Split tracks at random, with the same shares in each genre.

    Every genre has at least one track in each split. The result depends on the
    names and the seed alone, not on the order of the files.

    Args:
        tracks: the names of each genre's tracks.
        shares: of the tracks, adding up to 1.

    Raises:
        DataError: a genre has fewer tracks than there are splits.
    """
    split_of: dict[str, SplitName] = {}
    totals = dict.fromkeys(SPLITS, 0)
    check_enough(tracks)
    for number, genre in enumerate(sorted(tracks)):
        names = sorted(tracks[genre])
        order = np.random.default_rng([seed, number]).permutation(len(names))
        counts = _counts(len(names), shares, totals)
        begin = 0
        for split in SPLITS:
            for place in order[begin : begin + counts[split]].tolist():
                split_of[names[place]] = split
            begin += counts[split]
            totals[split] += counts[split]
    return split_of


def check_enough(tracks: Mapping[str, Sequence[str]]) -> None:
    """Raise DataError unless each genre's tracks can fill all splits."""
    for genre, names in sorted(tracks.items()):
        if len(names) < len(SPLITS):
            raise DataError(
                f"the genre {genre} has {len(names)} usable track{'' if len(names) == 1 else 's'}; "
                "train, validation and test need at least one each: add recordings, merge the "
                "genre into another or take it out."
            )


def _counts(
    n: int, shares: Mapping[SplitName, float], totals: Mapping[SplitName, int]
) -> dict[SplitName, int]:
    counts = {split: max(1, int(n * shares[split])) for split in SPLITS}
    while sum(counts.values()) > n:  # at least one each may be too many
        larger = [split for split in SPLITS if counts[split] > 1]
        counts[max(larger, key=lambda split: counts[split] - n * shares[split])] -= 1
    so_far = sum(totals.values()) + n
    while sum(counts.values()) < n:  # rounding remainders go where most is missing so far
        lacking = {
            split: so_far * shares[split] - totals[split] - counts[split] for split in SPLITS
        }
        counts[max(SPLITS, key=lambda split: lacking[split])] += 1
    return counts


def read_splits(path: Path, tracks: Sequence[str]) -> dict[str, SplitName]:
    """Read the split of every track from a CSV file with the columns track and split.

    A track is `genre/name`, with or without its suffix.

    Raises:
        DataError: the file cannot be read, names an unknown track or split, or
            leaves a track out.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig", opener=plain_file) as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be read as a CSV file: {reason}.") from error
    if not {"track", "split"} <= set(columns):
        raise DataError(
            f"{path} must have the columns track and split. Received: "
            f"{', '.join(columns) or 'none'}."
        )
    split_of: dict[str, SplitName] = {}
    known = set(tracks)
    for line, row in rows:
        track, split = (row["track"] or "").strip(), (row["split"] or "").strip().lower()
        if track not in known:
            track = track.rpartition(".")[0]
        if track not in known:
            raise DataError(f"{path}, line {line}: there is no recording {row['track']!r}.")
        if split not in _NAMES:
            raise DataError(
                f"{path}, line {line}: split must be train, validation or test. Received: "
                f"{row['split']!r}."
            )
        if split_of.setdefault(track, _NAMES[split]) != _NAMES[split]:
            raise DataError(f"{path}, line {line}: {track} is put into two splits.")
    if left_out := sorted(known - split_of.keys()):
        raise DataError(
            f"{path} leaves out {len(left_out)} of {len(known)} tracks, such as {left_out[0]}: "
            "give every track a split, or remove the file to split by chance."
        )
    return split_of
