"""All rows of a dataset as one table, with standardised features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from data.datasets.dataset import SPLITS, UNKNOWN_TRACK, Dataset

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

# What forty filters without energy give in the first MFCC (see data/features.py).
SILENT_MFCC = math.sqrt(40) * math.log10(np.finfo(float).eps)


@dataclass(frozen=True)
class Rows:
    """The rows of all splits; inside a split by track and second, where those are known.

    Args:
        dataset: that they are of.
        split: place of the row's split in `SPLITS`. [shape=(n,)]
        row: its number in its split. [shape=(n,)]
        label: its class. [shape=(n,)]
        track: its track, -1 where unknown. [shape=(n,)]
        place: where it begins in its track, in lengths of a segment, where that is known,
            else its number in its split. [shape=(n,)]
        z: its statistics, see `Split`, each standardised over all rows. [shape=(n, d)]
        silent: whether it is silence. [shape=(n,)]
    """

    dataset: Dataset
    split: Int64
    row: Int64
    label: Int64
    track: Int64
    place: Float64
    z: Float64
    silent: Bool

    def __len__(self) -> int:
        return len(self.label)

    @property
    def tracks_known(self) -> bool:
        """Whether every row names its track."""
        return bool((self.track != UNKNOWN_TRACK).all())

    def track_name(self, track: int) -> str:
        """The name of a track, else its number."""
        names = self.dataset.track_names
        return names[track] if names else f"track {track}"

    def where(self, i: int) -> str:
        """Where a row is, for a reader: its split and number, and its track."""
        place = f"{SPLITS[self.split[i]]} row {self.row[i]}"
        if self.track[i] == UNKNOWN_TRACK:
            return place
        return f"{place} ({self.track_name(self.track[i])})"


def stack(dataset: Dataset) -> Rows:
    """The rows of all splits, one split after the other."""
    splits = [rows for _, rows in dataset.splits()]
    split = np.repeat(np.arange(len(splits)), [len(rows) for rows in splits])
    row = np.concatenate([np.arange(len(rows)) for rows in splits])
    track = np.concatenate([rows.track for rows in splits])
    starts = [rows.start for rows in splits]
    second = np.concatenate(
        [row[split == k] if start is None else start for k, start in enumerate(starts)]
    )
    second = np.where(track == UNKNOWN_TRACK, row, second).astype(np.float64)
    order = np.lexsort((second, track, split))
    gaps = np.diff(second[order])[np.diff(track[order]) == 0]
    step = float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0
    values = np.concatenate([rows.statistics() for rows in splits])
    silent = np.zeros(len(values), dtype=np.bool_)
    if dataset.parameters is not None and "mfcc" in dataset.shapes:
        silent |= np.abs(values[:, 0] - SILENT_MFCC) < 0.01
    if dataset.parameters is not None and dataset.has_mel:
        mels = [rows.mel for rows in splits if rows.mel is not None]
        silent |= np.concatenate([~mel.any(axis=(1, 2)) for mel in mels])
    sounding = values if silent.all() else values[~silent]
    spread = sounding.std(axis=0)
    z = (values - sounding.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    label = np.concatenate([rows.label for rows in splits])
    columns: tuple[Any, ...] = (split, row, label, track, second / step, z, silent)
    return Rows(dataset, *(column[order] for column in columns))
