"""What features are computed of, and how they lie on disk: tracks and their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from data.audio.parameters import FeatureParameters


class Track(Protocol):
    """A source of segments: a recording, or synthesised music. Picklable."""

    @property
    def name(self) -> str:
        """Unique name of the track."""

    @property
    def weight(self) -> int:
        """Amount of work in any unit, for the progress bar."""

    @property
    def kind(self) -> str:
        """Tracks of a kind take the same time for the same weight."""

    @property
    def key(self) -> str:
        """Tracks of equal keys have the same segments and tags."""

    def segments(
        self, parameters: FeatureParameters, note: Callable[[str], None]
    ) -> Iterator[npt.NDArray[np.int16]]:
        """Blocks of segments; `note` takes a sentence on what is odd about the track.

        [shape=(k, parameters.segment_samples)]
        """

    def tags(self) -> Mapping[str, str]:
        """What is wanted of what the track says about itself, such as its artist."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """Features of one track, as rows of a file.

    Args:
        file: that holds them, beside those of other tracks.
        offset: of the first row, in bytes.
        segments: their number.
        crc32: of the rows.
        samples_sha256: hash of the segments' samples.
        notes: a sentence for each thing that is odd about the track.
        damage: the first of them that says what is missing or damaged, or empty.
        tags: of the track.
    """

    file: Path
    offset: int
    segments: int
    crc32: int
    samples_sha256: str
    notes: tuple[str, ...] = ()
    damage: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    def rows(self, parameters: FeatureParameters, at_once: int) -> Iterator[npt.NDArray[np.void]]:
        """Its rows, with the fields of `row_dtype`, some at a time."""
        dtype = row_dtype(parameters)
        for begin in range(0, self.segments, at_once):
            count = min(at_once, self.segments - begin)
            offset = self.offset + begin * dtype.itemsize
            yield np.fromfile(self.file, dtype, count, offset=offset)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A track without features.

    Args:
        reason: a sentence.
        is_audio: whether it is damaged or useless audio, or none at all.
    """

    reason: str
    is_audio: bool = True


def row_dtype(parameters: FeatureParameters) -> np.dtype[Any]:
    """How the features of a segment lie on disk."""
    return np.dtype([("mfcc", "<f8", parameters.mfcc_shape), ("mel", "<f4", parameters.mel_shape)])
