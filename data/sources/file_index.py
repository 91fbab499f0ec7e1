"""Finds the recordings that the rows of tables and lists mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

from data.errors import DataError
from data.sources.audio_files import AudioFile, without_suffix
from data.sources.names import composed

Key = TypeVar("Key", int, str)
Value = TypeVar("Value")


class FileIndex:
    """Finds files by what tables and lists call them.

    That is a path below the searched folder or one that ends with it, the end of such a path, each
    with or without suffix, or a number such as 2 for 000002.mp3.
    """

    def __init__(self, files: Iterable[AudioFile]) -> None:
        self._whole: dict[str, AudioFile] = {}
        self._ends: dict[str, list[AudioFile]] = {}
        self._numbers: dict[int, list[AudioFile]] = {}
        self._tops: set[str] = set()
        self._files = 0
        for file in sorted(files, key=lambda file: not file.should_be_audio):
            self._files += 1
            self._tops.add(file.parts[0])
            for begin in range(len(file.parts)):
                path = "/".join(file.parts[begin:])
                for key in {path, without_suffix(path)}:
                    if not begin:
                        self._whole.setdefault(key, file)
                    else:
                        _add(self._ends, key, file)
            stem = without_suffix(file.parts[-1])
            if stem.isdecimal():
                _add(self._numbers, int(stem), file)

    def find(self, track: str) -> AudioFile | None:
        """The file of a track, None where there is none; DataError where there are several."""
        names = [
            name for name in composed(track).replace("\\", "/").split("/") if name not in ("", ".")
        ]
        if not names:
            return None
        for parts in (names, [*names[:-1], without_suffix(names[-1])]):
            path = "/".join(parts)
            if path in self._whole:
                return self._whole[path]
            if path in self._ends:
                return _single(track, self._ends[path])
            for begin in range(1, len(parts)):
                end = "/".join(parts[begin:])
                # In the folder "jazz" there may be none, and one of the same name above it.
                if end in self._whole and parts[begin - 1] not in self._tops:
                    return self._whole[end]
        number = re.fullmatch(r"(\d{1,20})(\.0)?", track.strip())  # tables of floats have 2.0
        if number and int(number[1]) in self._numbers:
            return _single(track, self._numbers[int(number[1])])
        return None

    def match(
        self, source: str, rows: Iterable[tuple[str, str, Value]], hint: str = ""
    ) -> tuple[dict[AudioFile, Value], list[str]]:
        """The value of each recording that rows name, and a sentence on rows without one.

        Args:
            source: of the rows, for messages.
            rows: the place, track and value of each.
            hint: at the end of the message where no row means a recording.

        Raises:
            DataError: two rows of a recording differ, a row may mean several recordings, or no row
                means one.
        """
        values: dict[AudioFile, Value] = {}
        places: dict[AudioFile, str] = {}
        missing: list[str] = []
        for place, track, value in rows:
            try:
                file = self.find(track)
            except DataError as error:
                raise DataError(f"{place}: {error}") from error
            if file is None:
                missing.append(track)
            elif values.setdefault(file, value) != value:
                raise DataError(
                    f"{place} says something else of {track!r} than {places[file]}: remove one."
                )
            else:
                places.setdefault(file, place)
        if not values:
            if not missing:
                raise DataError(f"{source}: there is no track in it.")
            there = next(iter(self._whole.values())).parts
            raise DataError(
                f"{source} names none of the {self._files} recordings: its first track is "
                f"{missing[0]!r}, the first recording {'/'.join(there)!r}.{hint}"
            )
        if not missing:
            return values, []
        tracks = "1 track has" if len(missing) == 1 else f"{len(missing)} tracks have"
        return values, [f"{source}: {tracks} no recording here, such as {missing[0]!r}."]


def _add(files: dict[Key, list[AudioFile]], key: Key, file: AudioFile) -> None:
    there = files.setdefault(key, [])
    if file.should_be_audio or not there:  # song.jpg beside song.mp3 is no second recording
        there.append(file)


def _single(track: str, files: list[AudioFile]) -> AudioFile:
    if len(files) > 1:
        raise DataError(
            f"{track!r} may be {files[0].path} or {files[1].path}: write the path below the folder."
        )
    return files[0]
