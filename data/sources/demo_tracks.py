"""Which tracks make up the built-in music, and which split does each belong to?"""

from __future__ import annotations

from dataclasses import dataclass

from data.datasets.dataset import SplitName

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
    """A track of the built-in music.

    Args:
        genre: one of `GENRES`.
        number: which track of its genre, counted through all splits.
        split: the only split that its segments belong to.
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


def demo_tracks() -> tuple[DemoTrack, ...]:
    """All 268 tracks, by split and genre: 3200, 800 and 1376 seconds.

    Every genre has the same number and lengths of tracks in each split.
    """
    tracks = []
    first = 1
    for split, lengths in _SECONDS.items():
        for genre in GENRES:
            for place, seconds in enumerate(lengths):
                tracks.append(DemoTrack(genre, first + place, split, seconds))
        first += len(lengths)
    return tuple(tracks)
