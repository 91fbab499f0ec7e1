"""Extracted tracks to a dataset file, split by split, without holding it in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.audio.extraction import Extracted
from data.datasets.dataset import SPLITS, SplitName
from data.storage.hdf5 import dataset_writer

_ROW_BYTES = 8 * 26 + 4 * 21 * 128 + 3 * 8
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class PlacedTrack:
    """A track with its features, its genre and the split it goes to."""

    name: str
    genre: str
    split: SplitName
    features: Extracted


def write_dataset(path: Path, tracks: Sequence[PlacedTrack], provenance: Mapping[str, Any]) -> None:
    """Write the tracks' segments to a dataset file, ordered by genre, track and second.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    tracks = sorted(tracks, key=lambda track: (track.genre, track.name))
    genres = tuple(sorted({track.genre for track in tracks}))
    names = tuple(track.name for track in tracks)
    size = _ROW_BYTES * sum(track.features.seconds for track in tracks)
    with dataset_writer(path, genres, names, size) as writer:
        for split in SPLITS:
            here = [(n, track) for n, track in enumerate(tracks) if track.split == split]
            rows = sum(track.features.seconds for _, track in here)
            writer.reserve(split, rows, ["mfcc", "mel", "label", "track", "start"])
            for number, track in here:
                mfcc, mel = track.features.mfcc(), track.features.mel()
                for begin in range(0, len(mfcc), _ROWS_AT_ONCE):
                    block = slice(begin, begin + _ROWS_AT_ONCE)
                    k = len(mfcc[block])
                    writer.append(
                        split,
                        {
                            "mfcc": mfcc[block],
                            "mel": mel[block],
                            "label": np.full(k, genres.index(track.genre)),
                            "track": np.full(k, number),
                            "start": np.arange(begin, begin + k, dtype=np.float64),
                        },
                    )
        writer.finish(provenance)
