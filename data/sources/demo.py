"""The built-in dataset: synthesised music, made on first use and kept.

It is demo data. What is measured on it says something about the program and
about how networks learn, nothing about real music. Only making it imports torch.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from data.audio.constants import SAMPLE_RATE
from data.datasets.dataset import SplitName
from data.errors import DataError
from data.files.atomic import commit
from data.storage import catalogue, hdf5

if TYPE_CHECKING:
    from data.audio.parameters import FeatureParameters

VERSION = 1  # of the music: a stored demo of another version is made anew
GENRES: tuple[str, ...] = ("blues", "classical", "pop", "rock")

_TEN_TRACKS = (20, 17, 23, 19, 21, 16, 24, 18, 22, 20)  # seconds; 200 together
_SECONDS: dict[SplitName, tuple[int, ...]] = {
    "train": 4 * _TEN_TRACKS,  # 800 seconds a genre
    "validation": _TEN_TRACKS,  # 200
    "test": (*_TEN_TRACKS, 21, 18, 24, 20, 22, 16, 23),  # 344
}


@dataclass(frozen=True)
class DemoTrack:
    """One piece of demo music, whose segments all belong to one split.

    Args:
        genre: one of `GENRES`.
        number: of the track in its genre, counted through all splits.
        split: of the dataset.
        seconds: its length, and so its number of segments.
    """

    genre: str
    number: int
    split: SplitName
    seconds: int

    @property
    def name(self) -> str:
        """Such as "blues-017"."""
        return f"{self.genre}-{self.number:03d}"

    @property
    def weight(self) -> int:
        """Its length in seconds."""
        return self.seconds

    @property
    def kind(self) -> str:
        """Its genre."""
        return self.genre

    @property
    def key(self) -> str:
        """Names its music."""
        return f"demo {VERSION} {self.name} {self.seconds}"

    def tags(self) -> Mapping[str, str]:
        """It has none."""
        return {}

    def segments(
        self, parameters: FeatureParameters, note: Callable[[str], None]
    ) -> Iterator[npt.NDArray[np.int16]]:
        """All its segments, of the documented parameters, as one block. [shape=(seconds, 8000)]"""
        yield self.samples()

    def samples(self) -> npt.NDArray[np.int16]:
        """Its seconds at 8 kHz. [shape=(seconds, 8000)]"""
        from data.synthesis import synthesise

        return synthesise(self.genre, self.number, self.seconds)


def demo_tracks() -> tuple[DemoTrack, ...]:
    """All 268 tracks, by split and genre: 3200, 800 and 1376 seconds.

    Every genre has the same number and lengths of tracks in each split.
    """
    tracks: list[DemoTrack] = []
    first = 1
    for split, lengths in _SECONDS.items():
        for genre in GENRES:
            tracks += (DemoTrack(genre, first + i, split, n) for i, n in enumerate(lengths))
        first += len(lengths)
    return tuple(tracks)


def ensure_demo(workers: int | None = None, *, anew: bool = False) -> Path:
    """Make the demo dataset unless its file is there, which is returned; shows a progress bar.

    Args:
        workers: processes that compute it; one a core if None.
        anew: make it even if it is there.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    target = catalogue.path_of(catalogue.DEMO)
    if anew or not _is_made(target):
        with catalogue.only_process(catalogue.DEMO, wait=True):
            if anew or not _is_made(target):  # another process may have made it meanwhile
                _make(target, workers)
    return target


def _make(target: Path, workers: int | None) -> None:
    from data.sources.building import features_of
    from data.storage.track_writer import PlacedTrack, write_dataset

    with features_of(demo_tracks(), target, "making the demo music", workers=workers) as features:
        for name, reason in features.skipped.items():
            raise DataError(f"the demo track {name} failed: {reason}")
        placed = [
            PlacedTrack(track.name, track.genre, track.split, extracted)
            for track, extracted in features.used
        ]
        provenance = {
            "kind": "demo",
            "version": VERSION,
            "note": "DEMO DATA: synthesised music, not recordings",
        }
        write_dataset(target, placed, provenance)


def write_wavs(folder: Path, per_genre: int) -> list[Path]:
    """Write the first tracks of each genre as WAV files, to listen to; returns their paths.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    paths = []
    for genre in GENRES:
        for track in [track for track in demo_tracks() if track.genre == genre][:per_genre]:
            path = folder / f"{track.name}.wav"
            samples = track.samples().reshape(-1)
            with commit(path) as temporary:
                _write_wav(temporary, samples)
            paths.append(path)
    return paths


def _write_wav(path: Path, samples: npt.NDArray[np.int16]) -> None:
    with path.open("wb") as file, wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(samples.tobytes())


def _is_made(path: Path) -> bool:
    try:
        provenance = hdf5.summarise(path).provenance
    except DataError:
        return False
    return provenance.get("kind") == "demo" and provenance.get("version") == VERSION
