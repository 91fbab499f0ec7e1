"""The building of a dataset by a subprocess, and the check of the folder it is built from."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.errors import DataError
from genre_tui.core.subprocess_command import CommandResult, SubprocessCommand

_MOST_FILES = 50_000  # of a folder that are looked at


@dataclass(frozen=True)
class BuildSource:
    """Recordings, arrays or a table, and the name of the dataset to build from them."""

    folder: Path
    name: str
    is_arrays: bool
    about: str

    @property
    def arguments(self) -> list[str]:
        """Arguments of `python -m` that build it."""
        command = "import" if self.is_arrays else "build"
        return ["data", command, str(self.folder), "--name", self.name]

    @property
    def command(self) -> str:
        """The command line that builds it."""
        return shlex.join(["python", "-m", *self.arguments])

    @property
    def kept(self) -> str:
        """What remains of a build that is cancelled."""
        return "nothing is written" if self.is_arrays else "making it again goes on from there"


class DatasetBuild(SubprocessCommand):
    """The subprocess that builds a dataset.

    `on_change` is called in a thread for each line of output, and at the end.
    """

    def __init__(self, source: BuildSource, on_change: Callable[[], object]) -> None:
        super().__init__(source.arguments, lambda line: on_change())
        self.source = source
        self.ended: CommandResult | None = None
        self.is_cancelled = False
        self._on_change = on_change
        self.start(self._end)

    @property
    def output(self) -> list[str]:
        """All lines of its output so far."""
        return [*self.lines, *(self.ended.output.splitlines() if self.ended else ())]

    @property
    def state(self) -> str:
        """Its state in a line."""
        name, ended = self.source.name, self.ended
        if ended is None:
            last = next((line for line in reversed(self.lines) if line.strip()), "...")
            return f"cancelling {name} ..." if self.is_cancelled else f"making {name}: {last}"
        if ended.cancelled:
            return f"{name} was cancelled: {self.source.kept}."
        return f"{name} was not made: {ended.problem}" if ended.status else f"{name} is made."

    def cancel(self) -> None:
        """End it; no dataset is written."""
        self.is_cancelled = True
        super().cancel()

    def _end(self, ended: CommandResult) -> None:
        self.ended = ended
        self._on_change()


def inspect_folder(folder: str, name: str) -> tuple[BuildSource | None, dict[str, str]]:
    """Check the folder and name of a new dataset; returns the source, and error messages by field.

    Where the name is empty, it is the folder's.
    """
    from data.sources.importing import default_name
    from data.storage import catalogue

    if not folder.strip():
        return None, {"folder": ""}
    path = Path(os.path.expanduser(folder.strip()))
    problems: dict[str, str] = {}
    is_arrays, about = False, ""
    try:
        is_arrays, about = _contents(path)
    except (DataError, OSError) as error:
        problems["folder"] = str(error)
    try:
        name = name.strip() or default_name(path)
        target = catalogue.free_path(name, replace=True)
        if target.exists():
            problems["name"] = f"there is a dataset {name!r} already: choose another name."
    except DataError as error:
        problems["name"] = str(error)
    return (None if problems else BuildSource(path, name, is_arrays, about)), problems


def _contents(folder: Path) -> tuple[bool, str]:
    """Whether a folder or file holds arrays, and a sentence about its content.

    Raises:
        DataError: it holds neither arrays nor recordings, or they cannot be read.
        OSError: it cannot be read.
    """
    from data.sources.audio_files import TooManyFilesError
    from data.sources.importing import about_foreign
    from data.sources.recordings import find_recordings

    if not folder.exists():
        raise DataError(f"there is no folder or file {folder}.")
    if about := about_foreign(folder):
        return True, about
    try:
        found = find_recordings(folder, most_files=_MOST_FILES)
    except TooManyFilesError as error:
        return False, f"{error} They are looked at when it is made."
    counts = Counter(recording.genre for recording in found.recordings)
    genres = ", ".join(sorted(counts))
    about = f"{counts.total()} recordings in {len(counts)} genres: {genres}."
    return False, " ".join([about, *found.notes])
