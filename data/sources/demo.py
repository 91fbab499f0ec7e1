"""The built-in dataset: synthesised music, made on first use and kept.

It is demo data. What is measured on it says something about the program and
about how networks learn, nothing about real music.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.audio.constants import SAMPLE_RATE
from data.audio.extraction import Extracted, Progress, Track, extract
from data.errors import DataError
from data.files.atomic import commit
from data.files.scratch_folder import spool_folder
from data.sources.demo_tracks import GENRES, VERSION, DemoTrack, demo_tracks
from data.storage import catalogue
from data.storage.track_writer import PlacedTrack, write_dataset
from data.synthesis import synthesise


@dataclass(frozen=True)
class _Synthesised:
    """A demo track as `extract` wants it."""

    track: DemoTrack

    @property
    def name(self) -> str:
        return self.track.name

    @property
    def weight(self) -> int:
        return self.track.seconds

    def segments(self) -> Iterator[npt.NDArray[np.int16]]:
        yield synthesise(self.track.genre, self.track.number, self.track.seconds)


def make(workers: int, progress: Progress) -> Path:
    """Synthesise the demo music, compute its features and store them.

    Args:
        workers: processes.
        progress: called after each track.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    target = catalogue.path_of(catalogue.DEMO)
    tracks = demo_tracks()
    with spool_folder(target) as place:
        sources: list[Track] = [_Synthesised(track) for track in tracks]
        results = extract(sources, place, workers, progress)
        placed = []
        for track in tracks:
            features = results[track.name]
            if not isinstance(features, Extracted):
                raise DataError(f"the demo track {track.name} failed: {features.reason}")
            placed.append(PlacedTrack(track.name, track.genre, track.split, features))
        provenance = {
            "kind": "demo",
            "version": VERSION,
            "note": "DEMO DATA: synthesised music, not recordings",
        }
        write_dataset(target, placed, provenance)
    return target


def write_wavs(folder: Path, per_genre: int) -> list[Path]:
    """Write whole demo tracks of each genre as WAV files, to listen to.

    Args:
        folder: to write to; made where it is not there.
        per_genre: number of tracks of each genre.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    import soundfile

    paths = []
    for genre in GENRES:
        for track in [track for track in demo_tracks() if track.genre == genre][:per_genre]:
            path = folder / f"{track.name}.wav"
            samples = synthesise(track.genre, track.number, track.seconds).reshape(-1)
            with commit(path) as temporary:
                soundfile.write(temporary, samples, SAMPLE_RATE, format="WAV")
            paths.append(path)
    return paths
