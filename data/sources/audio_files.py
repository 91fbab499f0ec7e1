"""The files below a folder that may be music."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from data.audio.decoding import AUDIO_SUFFIXES
from data.errors import DataError
from data.sources.names import composed

_OTHER = """
bmp cfg csv cue db doc docx gif h5 hdf5 htm html ini ipynb jams jpeg jpg json jsonl lab lnk log lrc
m3u m3u8 mat md md5 nfo npy npz ods parquet pdf pickle pkl pls png py rtf sfv sha1 sha256 svg tif
tiff toml tsv txt url webp xls xlsx xml yaml yml
"""
# These are never decoded; what any other file holds, the decoder decides.
_OTHER_SUFFIXES = frozenset(f".{suffix}" for suffix in _OTHER.split())
_SUFFIX = re.compile(r"\.(?=[^.]*[A-Za-z])[A-Za-z0-9]{1,5}$")


class TooManyFilesError(DataError):
    """A folder has more files than may be looked at."""


@dataclass(frozen=True, eq=False)
class AudioFile:
    """A file that may be music.

    Args:
        path: on the disk.
        parts: names of the folders below the searched one and of the file, composed.
    """

    path: Path
    parts: tuple[str, ...]

    @cached_property
    def should_be_audio(self) -> bool:
        """Whether its suffix is one of audio's."""
        return should_be_audio(self.parts[-1])


def should_be_audio(file: str) -> bool:
    """Whether the suffix of a file's name is one of audio's."""
    return os.path.splitext(file)[1].lower() in AUDIO_SUFFIXES


def audio_files(
    folder: Path, most: int | None = None
) -> tuple[list[AudioFile], list[tuple[str, ...]]]:
    """The files below a folder that may be music, and the parts of all others.

    Hidden files and folders are ignored.

    Args:
        folder: that is searched.
        most: files that are looked at, all if None.

    Raises:
        TooManyFilesError: there are more.
        DataError: the folder is none, or one below it cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder. Expected one with recordings.")
    found, others = [], []
    for number, (path, parts) in enumerate(_walk(folder)):
        if number == most:
            raise TooManyFilesError(f"{folder} has more than {most:,} files.")
        if os.path.splitext(path.name)[1].lower() in _OTHER_SUFFIXES:
            others.append(parts)
        else:
            found.append(AudioFile(path, parts))
    return found, others


def _walk(folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = tuple(map(composed, Path(place).relative_to(folder).parts))
        for file in sorted(files):
            if not file.startswith("."):
                yield Path(place, file), (*below, composed(file))


def _unreadable(error: OSError) -> NoReturn:
    raise DataError(f"{error.filename} cannot be read: {error.strerror}.") from error


def kinds(files: Iterable[str]) -> str:
    """How many files have which suffix, the most frequent first."""
    suffixes = Counter(os.path.splitext(file)[1].lower() or "without suffix" for file in files)
    order = sorted(suffixes, key=lambda suffix: (-suffixes[suffix], suffix))
    return ", ".join(f"{suffixes[suffix]} {suffix}" for suffix in order[:8])


def without_suffix(name: str) -> str:
    """A file's name without its suffix; ".00029" and ". Symphony" are none."""
    return _SUFFIX.sub("", name)
