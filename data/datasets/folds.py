"""Cross-validation folds: whole tracks or artists, dealt genre by genre.

All rows of a dataset are pooled: those of train, then of validation, then of test. Each fold is
the test split once, while the fold after it is the validation split and the others train.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from data.datasets.artists import Group
from data.datasets.dataset import SPLITS, UNKNOWN_TRACK, Dataset, Int64, Split, SplitName
from data.errors import DataError

LEAST_FOLDS = 3  # one to test, one to select, one to train


def assign_folds(dataset: Dataset, folds: int, group: Group = "track", seed: int = 42) -> Int64:
    """The fold of each pooled row, from 1. [shape=(rows,)]

    Groups are dealt as scikit-learn's StratifiedGroupKFold does: the largest first, each to the
    fold with the fewest rows of its genre so far. Groups of one size come in an order that
    depends on their names and the seed alone, so that the result does not depend on the order of
    rows or on the dataset's own splits.

    Args:
        dataset: whose rows name their tracks.
        folds: their number, at least `LEAST_FOLDS`.
        group: what is kept together. A track without an artist is a group of its own.
        seed: of the order.

    Raises:
        DataError: the dataset does not know the groups, or a genre has fewer than folds.
    """
    if folds < LEAST_FOLDS:
        raise DataError(
            f"of the folds one tests, one validates and the others train: there must be at least "
            f"{LEAST_FOLDS}. Received: {folds}."
        )
    label = np.concatenate([rows.label for _, rows in dataset.splits()])
    group_of_row = _groups(dataset, group)
    counts = np.zeros((group_of_row.max() + 1, len(dataset.genres)), dtype=np.int64)
    np.add.at(counts, (group_of_row, label), 1)
    dealt = np.zeros(len(counts), dtype=np.int64)
    filled = [[0] * len(dataset.genres) for _ in range(folds)]
    totals = [0] * folds
    genre_of_group, sizes = counts.argmax(axis=1), counts.sum(axis=1)
    for genre in range(len(dataset.genres)):
        members = np.flatnonzero(genre_of_group == genre)
        members = members[np.random.default_rng([seed, genre]).permutation(len(members))]
        for one in members[np.argsort(-sizes[members], kind="stable")].tolist():
            fold = min(range(folds), key=lambda k: (filled[k][genre], totals[k]))
            dealt[one] = fold
            totals[fold] += int(sizes[one])
            for each in np.flatnonzero(counts[one]).tolist():
                filled[fold][each] += int(counts[one, each])
    lacking = [g for g in range(len(dataset.genres)) if not all(rows[g] for rows in filled)]
    if lacking:
        raise _too_few(dataset, folds, group, np.count_nonzero(counts, axis=0), lacking)
    return 1 + dealt[group_of_row]


def fold_dataset(dataset: Dataset, fold_of_row: Int64, number: int) -> Dataset:
    """The dataset whose test split is a fold; a copy of all rows.

    Rows keep the order in which they are pooled, and `Split.row` says where they came from.

    Args:
        dataset: all rows.
        fold_of_row: from `assign_folds`. [shape=(rows,)]
        number: of the fold, from 1. The next one is the validation split; after the last comes
            the first.
    """
    validates = number % int(fold_of_row.max()) + 1
    test, validation = fold_of_row == number, fold_of_row == validates
    return replace(
        dataset,
        train=_rows(dataset, np.flatnonzero(~(test | validation))),
        validation=_rows(dataset, np.flatnonzero(validation)),
        test=_rows(dataset, np.flatnonzero(test)),
    )


def place_of_row(
    rows: Mapping[SplitName, int] | Mapping[str, int], row: int
) -> tuple[SplitName, int]:
    """The split of a pooled row, and its index there.

    Args:
        rows: number of rows of each split.
        row: index among all rows.
    """
    for split in SPLITS:
        if row < rows[split]:
            return split, row
        row -= rows[split]
    raise DataError(f"there is no row {row} beyond the last one of the dataset.")


def _too_few(
    dataset: Dataset, folds: int, group: Group, groups: Int64, lacking: list[int]
) -> DataError:
    """What is raised where a fold would have no rows of some genres."""
    fewest = min(lacking, key=lambda genre: int(groups[genre]))
    many = int(groups[fewest])
    ways = [f"use --folds {many}"] if LEAST_FOLDS <= many < folds else []
    ways += ["use --group track"] if group == "artist" else []
    ways.append("build the dataset with more recordings, or without that genre")
    count = f"{many} {group}{'' if many == 1 else 's'} of {dataset.genres[fewest]}"
    return DataError(
        f"each of {folds} folds needs {group}s of every genre, and {dataset.name} has {count}: "
        f"{', or '.join(ways)}."
    )


def _groups(dataset: Dataset, group: Group) -> Int64:
    """The group of each pooled row, numbered in the order of their names. [shape=(rows,)]"""
    track = np.concatenate([rows.track for _, rows in dataset.splits()])
    if (track == UNKNOWN_TRACK).any():
        raise DataError(
            f"folds keep the segments of a track together, and {dataset.name} does not name the "
            "track of every row: folds of single rows would test what they trained on. Leave "
            "--folds out, or build the dataset from recordings (python -m data build FOLDER)."
        )
    artists = dataset.track_artists
    if group == "artist" and not any(artists):
        raise DataError(
            f"{dataset.name} knows no artists: use --group track, or build it again with the "
            "artists of a table, of folders (--group artist) or of tags (--group tag:artist)."
        )
    known, track = np.unique(track, return_inverse=True)
    names = [
        (0, artists[one])
        if group == "artist" and artists[one]
        else (1, dataset.track_names[one] if dataset.track_names else f"{one:020d}")
        for one in known.tolist()
    ]
    number = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.array([number[name] for name in names], dtype=np.int64)[track]


def _rows(dataset: Dataset, rows: Int64) -> Split:
    """Pooled rows as a split, gathered without a second copy."""
    splits = [split for _, split in dataset.splits()]
    ends = np.cumsum([len(split) for split in splits])
    cuts = [0, *np.searchsorted(rows, ends).tolist()]
    gathered: dict[str, Any] = dict.fromkeys(field.name for field in fields(Split))
    for name, first in splits[0].arrays():
        parts = [getattr(split, name) for split in splits]
        if any(part is None for part in parts):
            continue  # not known of every row
        values = np.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
        for part, end, begin, after in zip(parts, ends, cuts, cuts[1:], strict=False):
            places = rows[begin:after] - (end - len(part))
            np.take(part, places, axis=0, out=values[begin:after], mode="clip")
        gathered[name] = values
    return Split(**gathered | {"row": rows})
