"""Extracted tracks to a dataset file, split by split, without holding it in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.audio.tracks import Extracted, row_dtype
from data.datasets.artists import in_one_spelling
from data.datasets.dataset import SPLITS, SplitName
from data.storage.hdf5 import write

_BYTES_AT_ONCE = 2**25


@dataclass(frozen=True)
class PlacedTrack:
    """A track with its features, its genre, the split it goes to and, if known, its artist."""

    name: str
    genre: str
    split: SplitName
    features: Extracted
    artist: str | None = None


def write_dataset(
    path: Path,
    tracks: Sequence[PlacedTrack],
    provenance: Mapping[str, Any],
    parameters: FeatureParameters = DOCUMENTED,
) -> None:
    """Write the tracks' segments to a dataset file, ordered by genre, track and second.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    tracks = sorted(tracks, key=lambda track: (track.genre, track.name))
    genres = tuple(sorted({track.genre for track in tracks}))
    names = tuple(track.name for track in tracks)
    artists = in_one_spelling([track.artist for track in tracks])
    placed = {
        split: [(number, track) for number, track in enumerate(tracks) if track.split == split]
        for split in SPLITS
    }
    at_once = max(1, _BYTES_AT_ONCE // row_dtype(parameters).itemsize)
    row_shapes = dict[str, tuple[int, ...]](parameters.shapes.items(), label=(), track=(), start=())
    segments = {
        split: sum(track.features.segments for _, track in here) for split, here in placed.items()
    }
    shapes = {
        split: {name: (n, *shape) for name, shape in row_shapes.items()}
        for split, n in segments.items()
    }

    def blocks() -> Iterator[tuple[SplitName, dict[str, npt.NDArray[Any]]]]:
        for split, here in placed.items():
            for number, track in here:
                begin = 0
                for block in track.features.rows(parameters, at_once):
                    k = len(block)
                    yield (
                        split,
                        {
                            "mfcc": block["mfcc"],
                            "mel": block["mel"],
                            "label": np.full(k, genres.index(track.genre)),
                            "track": np.full(k, number),
                            "start": np.arange(begin, begin + k) * parameters.segment_seconds,
                        },
                    )
                    begin += k

    artists = artists if any(artists) else ()
    write(path, genres, names, provenance, shapes, blocks(), parameters, artists)
