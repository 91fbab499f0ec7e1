"""Finds the recordings below a folder and their genres: <genre>/<track>.<ext>."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from data.audio.decoding import AUDIO_SUFFIXES, NotAudio, stream_segments
from data.audio.parameters import FeatureParameters
from data.datasets.dataset import SplitName, check_genres
from data.errors import DataError


@dataclass(frozen=True)
class Recording:
    """A file of music with its label.

    Args:
        path: of the file.
        name: unique; the path below the folder, without suffix.
        genre: its class.
        artist: who plays it, where that is known.
        split: that it belongs to, where a table or the folders state one.
    """

    path: Path
    name: str
    genre: str
    artist: str | None = None
    split: SplitName | None = None

    @property
    def weight(self) -> int:
        """Bytes of the file."""
        status = self._status()
        return status.st_size if status else 0

    @property
    def kind(self) -> str:
        """Its suffix."""
        return self.path.suffix.lower()

    @property
    def key(self) -> str:
        """The file and its state."""
        status = self._status()
        state = (status.st_size, status.st_mtime_ns) if status else None
        return f"{self.path.absolute()} {state}"

    def tags(self) -> Mapping[str, str]:
        """None are wanted."""
        return {}

    def _status(self) -> os.stat_result | None:
        try:
            return self.path.stat()
        except OSError:
            return None

    def segments(
        self, parameters: FeatureParameters, note: Callable[[str], None]
    ) -> Iterator[npt.NDArray[np.int16]]:
        """Blocks of its segments. [shape=(k, parameters.segment_samples)]"""
        if any("\ud800" <= char <= "\udfff" for char in self.name):
            raise DataError(f"{self.path} has a name that is not UTF-8: rename it.")
        try:
            yield from stream_segments(self.path, parameters, note)
        except NotAudio as error:
            if self.path.suffix.lower() in AUDIO_SUFFIXES:  # it should be, so that it is missed
                raise DataError(str(error)) from error
            raise


def find_recordings(
    folder: Path, merge: Mapping[str, Sequence[str]] | None = None
) -> list[Recording]:
    """The recordings below each genre's folder, sorted by name.

    Ignores hidden files and those whose suffix is none of audio's.

    Raises:
        DataError: no folder, no recordings, one genre only, two recordings of
            one name, or a merge of folders that are not there.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder. Expected one with a folder of recordings a genre.")
    genre_of = _merged(folder, merge or {})
    recordings: dict[str, Recording] = {}
    for top, genre in sorted(genre_of.items()):
        for path in _audio_files(folder / top):
            name = path.relative_to(folder).with_suffix("").as_posix()
            if name in recordings:
                raise DataError(
                    f"two recordings have the same track name: {recordings[name].path} and {path}. "
                    "Two copies of one track would leak between splits: remove or rename one."
                )
            recordings[name] = Recording(path, name, genre)
    if not recordings and any(path.suffix.lower() in AUDIO_SUFFIXES for path in folder.iterdir()):
        raise DataError(
            f"{folder} holds recordings itself. Expected a folder a genre: name the folder above, "
            "or sort the recordings into folders."
        )
    if not recordings:
        raise DataError(
            f"{folder} has no recordings. Expected <genre>/<track> files with one of the suffixes "
            f"{' '.join(sorted(AUDIO_SUFFIXES))}."
        )
    check_genres(sorted({recording.genre for recording in recordings.values()}))
    return sorted(recordings.values(), key=lambda recording: recording.name)


def ignored_files(folder: Path) -> list[str]:
    """A sentence for each kind of thing that `find_recordings` ignores: folders without
    recordings, and files whose suffix is none of audio's.
    """
    sentences = []
    suffixes: Counter[str] = Counter()
    for top in sorted(_genre_folders(folder)):
        if not any(_audio_files(top)):
            sentences.append(f"{top.name} has no recordings, so it is no genre.")
        for path in top.rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                suffixes[path.suffix.lower() or "no suffix"] += 1
    for suffix in AUDIO_SUFFIXES:
        suffixes.pop(suffix, None)
    if suffixes:
        kinds = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common(5))
        sentences.append(
            f"Files that are no audio we can decode were passed over: {kinds}. Convert those that "
            "are music (to FLAC, say)."
        )
    return sentences


def _genre_folders(folder: Path) -> list[Path]:
    return [top for top in folder.iterdir() if top.is_dir() and not top.name.startswith(".")]


def _merged(folder: Path, merge: Mapping[str, Sequence[str]]) -> dict[str, str]:
    try:
        tops = {path.name for path in _genre_folders(folder)}
    except OSError as error:
        _unreadable(error)
    genre_of = {top: top for top in tops}
    claimed: dict[str, str] = {}
    for name, folders in merge.items():
        for top in folders:
            if top not in tops:
                raise DataError(
                    f"the class {name!r} cannot merge {', '.join(folders)}: there is no folder "
                    f"{top!r}. There are: {', '.join(sorted(tops)) or 'none'}."
                )
            if top in claimed:
                raise DataError(
                    f"a folder can be merged into one class only. Received {top!r} for "
                    f"{claimed[top]} and {name}."
                )
            claimed[top] = name
            genre_of[top] = name
    for name in merge:
        if name in tops - claimed.keys():
            raise DataError(
                f"the merged class {name!r} has the name of a folder that is not merged into it: "
                "merge that folder too, or choose another name."
            )
    return genre_of


def _audio_files(top: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for place, folders, files in os.walk(top, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            if Path(file).suffix.lower() in AUDIO_SUFFIXES and not file.startswith("."):
                yield Path(place, file)


def _unreadable(error: OSError) -> NoReturn:
    raise DataError(f"{error.filename} cannot be read: {error.strerror}.") from error
