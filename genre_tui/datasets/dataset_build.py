"""A dataset that is being made by a process of its own, whether somebody looks or not."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from data.errors import DataError
from data.terminal.text import clean
from genre_tui.core.subprocess_command import Command, Ended

_MOST_ENTRIES = 50_000  # of folders, that are looked at before anything is made
_LEAST_GENRES = 2
_SPLIT_FOLDERS = ("train", "val", "test")


@dataclass(frozen=True)
class Source:
    """A folder that a dataset can be made of.

    Args:
        folder: where it is.
        name: of the dataset.
        is_arrays: whether it holds arrays rather than recordings.
        about: what is in it, in a sentence.
    """

    folder: Path
    name: str
    is_arrays: bool
    about: str

    @property
    def arguments(self) -> list[str]:
        """Of the command that makes it."""
        command = "import" if self.is_arrays else "build"
        return ["data", command, str(self.folder), "--name", self.name]

    @property
    def command(self) -> str:
        """The command line that makes it."""
        return shlex.join(["python", "-m", *self.arguments])


class Making:
    """The process that makes a dataset.

    Args:
        source: that it is made of.
        told: called whenever it has printed a line, and when it has ended; in a thread.
    """

    def __init__(self, source: Source, told: Callable[[], object]) -> None:
        self.source = source
        self.ended: Ended | None = None
        self.is_cancelled = False
        self._told = told
        self._command = Command(source.arguments, lambda line: told())
        self._command.start(self._end)

    @property
    def lines(self) -> list[str]:
        """What it has printed."""
        printed = self.ended.output.splitlines() if self.ended is not None else []
        return [*self._command.lines, *map(clean, printed)]

    @property
    def state(self) -> str:
        """Where it stands, in a line."""
        name, ended = self.source.name, self.ended
        if ended is None:
            said = next((line for line in reversed(self._command.lines) if line.strip()), "...")
            return f"cancelling {name} ..." if self.is_cancelled else f"making {name}: {said}"
        if ended.cancelled:
            return f"{name} was cancelled: nothing was written."
        return f"{name} was not made: {ended.problem}" if ended.status else f"{name} is made."

    def cancel(self) -> None:
        """End it; nothing of it is kept."""
        self.is_cancelled = True
        self._command.cancel()

    def leave(self) -> None:
        """Let it go on, and hear of it no more."""
        self._command.leave()

    def _end(self, ended: Ended) -> None:
        self.ended = ended
        self._told()


def look_into(folder: str, name: str) -> tuple[Source | None, dict[str, str]]:
    """What a form asks for: what would be made of a folder, and what is wrong, by entry.

    Args:
        folder: as it was typed.
        name: as it was typed; "" takes the folder's.
    """
    from data.storage import catalogue

    if not folder.strip():
        return None, {"folder": ""}
    path = Path(os.path.expanduser(folder.strip()))
    problems: dict[str, str] = {}
    is_arrays, about = False, ""
    try:
        is_arrays, about = _contents(path)
    except (DataError, OSError) as error:
        problems["folder"] = clean(str(error))
    try:
        name = name.strip() or catalogue.name_for(path)
        target = catalogue.free_path(name, replace=True)
        if target.exists():
            problems["name"] = f"there is a dataset {name!r} already: choose another name."
    except DataError as error:
        problems["name"] = clean(str(error))
    return (None if problems else Source(path, name, is_arrays, about)), problems


def _contents(folder: Path) -> tuple[bool, str]:
    """Whether a folder holds arrays, and what is in it.

    Raises:
        DataError: it holds neither arrays nor recordings.
        OSError: it cannot be read.
    """
    from data.audio.decoding import AUDIO_SUFFIXES

    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}.")
    arrays = [split for split in _SPLIT_FOLDERS if (folder / split / "mfccs" / "X.npy").is_file()]
    if arrays:
        mel = any((folder / split / "melgrams").is_dir() for split in _SPLIT_FOLDERS)
        return True, f"Arrays of {', '.join(arrays)}, {'with' if mel else 'without'} mel."
    counts = _recordings(folder, AUDIO_SUFFIXES)
    if len(counts) < _LEAST_GENRES:
        raise DataError(
            f"{folder} has neither arrays (train, val, test with mfccs) nor recordings in two or "
            "more folders, one a genre."
        )
    return False, f"{sum(counts.values())} recordings in {len(counts)} genres: " + (
        f"{clean(', '.join(counts))}."
    )


def _recordings(folder: Path, suffixes: Collection[str]) -> dict[str, int]:
    """Recordings in each folder that has any, as far as they are found in a moment."""
    counts: dict[str, int] = {}
    left = _MOST_ENTRIES
    for top in sorted(path for path in folder.iterdir() if path.is_dir()):
        if top.name.startswith("."):
            continue
        for _, folders, files in os.walk(top):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found = sum(Path(file).suffix.lower() in suffixes for file in files)
            if found:
                counts[top.name] = counts.get(top.name, 0) + found
            left -= len(folders) + len(files)
            if left < 0:
                return counts
    return counts
