"""Which test rows belong together: those that were cut from one recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
Unit = Literal["tracks", "blocks", "tracks and blocks"]

BLOCK_ROWS = 30  # GTZAN's recordings last 30 seconds, and a row is a second
FEW_CLUSTERS = 10  # with fewer, intervals and p-values over rows are rough


@dataclass(frozen=True)
class Clusters:
    """Rows in groups; those of one group are alike, those of different ones independent.

    Args:
        index: which cluster each row is in, 0 to count - 1. [shape=(n,)]
        unit: what a cluster is.

    Raises:
        ValueError: a number between 0 and the highest that no row has.
    """

    index: Int64
    unit: Unit

    def __post_init__(self) -> None:
        if not np.array_equal(np.unique(self.index), np.arange(self.count)):
            raise ValueError("clusters must be numbered from 0 without gaps.")

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.index.max()) + 1 if len(self.index) else 0

    @property
    def are_few(self) -> bool:
        """Whether there are too few to say how sure a figure is, but roughly."""
        return self.count < FEW_CLUSTERS


def clusters_of(label: Int64, track: Int64, block_rows: int = BLOCK_ROWS) -> Clusters:
    """The clusters of a split's rows: tracks where they are known, blocks elsewhere.

    Rows without a track are neighbours in the order of their recordings (the source
    dataset is such), so each run of rows of one label is cut into blocks of about a
    recording's length. A block that holds the end of one recording and the beginning of
    the next is not independent of its neighbours; that makes intervals a little narrow,
    single rows would make them much too narrow.

    Args:
        label: true classes, in stored order. [shape=(n,)]
        track: numbers of tracks, negative where unknown. [shape=(n,)]
        block_rows: rows of a block; the last of a run may be shorter. The default is the
            length of GTZAN's recordings, 30 seconds, in rows of one second.

    Raises:
        ValueError: the shapes differ, or blocks without rows.
    """
    label, track = np.asarray(label), np.asarray(track)
    if label.ndim != 1 or label.shape != track.shape:
        raise ValueError(
            f"label and track must have one shape (n,). Received: {label.shape}, {track.shape}."
        )
    if block_rows < 1:
        raise ValueError(f"a block must have at least one row. Received: {block_rows}.")
    if not len(label):
        return Clusters(np.zeros(0, dtype=np.int64), "blocks")
    known = track >= 0
    first = np.ones(len(label), dtype=bool)
    first[1:] = (label[1:] != label[:-1]) | (known[1:] != known[:-1])
    in_run = np.arange(len(label)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    block = np.cumsum(in_run % block_rows == 0)
    _, index = np.unique(np.where(known, track, track.max() + block), return_inverse=True)
    unit: Unit = "tracks and blocks"
    if known.all() or not known.any():
        unit = "tracks" if known.all() else "blocks"
    return Clusters(index.astype(np.int64), unit)
