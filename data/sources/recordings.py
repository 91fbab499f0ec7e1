"""Finds the recordings below a folder with their genres, splits and artists."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from data.audio.decoding import NotAudio, read_tags, stream_segments
from data.audio.parameters import FeatureParameters
from data.datasets.dataset import SplitName, check_genres
from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.sources.audio_files import AudioFile, audio_files, should_be_audio, without_suffix
from data.sources.file_index import FileIndex
from data.sources.label_table import LabelTable, read_table
from data.sources.layouts import Layout, recognise
from data.sources.names import alike, check_case, chosen, genre_name, merged
from data.sources.split_lists import read_splits

_SPLITS = "splits.csv"
_FMA_TABLE = "tracks.csv"
_TABLE_SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True)
class Recording:
    """A file of music with its label.

    Args:
        path: of the file.
        name: unique; the path below the folder, without suffix.
        genre: its class.
        artist: who plays it, where that is known.
        split: that it belongs to, where a table or the folders state one.
        wanted_tags: names of what is to be read of what the file says about itself.
    """

    path: Path
    name: str
    genre: str
    artist: str | None = None
    split: SplitName | None = None
    wanted_tags: tuple[str, ...] = ()

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
        return " ".join([str(self.path.absolute()), str(state), *self.wanted_tags])

    def tags(self) -> Mapping[str, str]:
        """Those of the wanted tags that the file has."""
        tags = read_tags(self.path) if self.wanted_tags else {}
        return {name: tags[name] for name in self.wanted_tags if name in tags}

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
            if should_be_audio(self.path.name):  # it should be, so that it is missed
                raise DataError(str(error)) from error
            raise


@dataclass(frozen=True)
class Labels:
    """What says the genre, split and artist of recordings, beside their folders.

    Args:
        table: CSV file with a row a track.
        columns: the columns of its paths, labels, splits and artists, as `read_table` takes them.
        splits: a CSV file, lists of files, or their folder, as `read_splits` takes them.
        merge: class names to the genres that they consist of.
        only: the classes to use, or None for all.
        exclude: classes to leave out.
        artist_folders: whether folders between genre and track are named after artists.
    """

    table: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    splits: Sequence[Path] = ()
    merge: Mapping[str, Sequence[str]] = field(default_factory=dict)
    only: Sequence[str] | None = None
    exclude: Sequence[str] = ()
    artist_folders: bool = False


@dataclass(frozen=True)
class FoundRecordings:
    """The recordings below a folder.

    Args:
        recordings: sorted by name. Either all have a split or none has.
        labels: the name of the table that states the genres, or None where folders do.
        splits: what states the splits, or None where chance has to decide.
        notes: a sentence on each thing that is done or left out.
        passed_over: names of the files that are not decoded.
    """

    recordings: list[Recording]
    labels: str | None
    splits: str | None
    notes: list[str]
    passed_over: list[str]


class _Facts(NamedTuple):
    """What folders and tables say about a file; the texts are empty where they say nothing."""

    genre: str
    split: SplitName | None
    artist: str = ""


def find_recordings(
    folder: Path, labels: Labels | None = None, most_files: int | None = None
) -> FoundRecordings:
    """The recordings below a folder, with their genres from a table or from their folders.

    Args:
        folder: laid out in one of the ways of docs/datasets.md.
        labels: what says more than the folders.
        most_files: of the folder that are looked at, all if None.

    Raises:
        TooManyFilesError: there are more.
        DataError: no recordings, folders that state no genres, one genre only, two recordings of
            one name, or labels that cannot be.
    """
    labels = labels or Labels()
    files, others = audio_files(folder, most_files)
    if not files:
        raise DataError(
            f"{folder} has no recordings. Expected <genre>/<track> files, or files and a table of "
            "their labels."
        )
    layout = recognise(folder, files)
    root = folder.joinpath(*layout.inside)
    lists = (
        labels.splits
        or [place for place in (root / _SPLITS, folder / _SPLITS) if place.exists()][:1]
    )
    is_looked_up = labels.table is not None or layout.genre is None or lists
    index = FileIndex(files if is_looked_up else ())
    facts = {file: _by_folders(layout, file, labels.artist_folders) for file in files}
    splits = None if layout.split is None else "the names of the folders"
    table = _table(folder, root, layout, labels, index, others)
    if table is None:
        notes = _folder_notes(root, layout, facts)
    else:
        facts, notes = _by_table(table, index, facts)
        splits = table.path.name if "split" in table.columns else splits
    if lists:
        if table is not None and "split" in table.columns:
            raise DataError(
                f"both {table.path} and {lists[0]} state splits: leave one out (--columns split= "
                "ignores the column)."
            )
        split_of, more = read_splits(lists, index)
        facts = {file: fact._replace(split=split_of.get(file)) for file, fact in facts.items()}
        notes, splits = notes + more, ", ".join(path.name for path in lists)
    known = {file: fact for file, fact in facts.items() if fact.genre}
    class_of = merged({fact.genre for fact in known.values()}, labels.merge)
    kept = chosen(set(class_of.values()), labels.only, labels.exclude)
    check_case(kept)
    notes += alike(kept)
    if len(kept) == 1 and layout.genre is not None:
        _check_not_above(root, known)
    check_genres(sorted(kept))
    used = {file: fact for file, fact in known.items() if class_of[fact.genre] in kept}
    if splits is not None:
        notes += _left_out(
            f"in no split of {splits}", (f for f, fact in used.items() if not fact.split)
        )
        used = {file: fact for file, fact in used.items() if fact.split}
    recordings = _recordings(used, class_of, len(layout.inside))
    read = {*lists, *([] if table is None else [table.path])}
    passed_over = [parts[-1] for parts in others if folder.joinpath(*parts) not in read]
    passed_over += [f.parts[-1] for f in files if f not in known and not f.should_be_audio]
    name = None if table is None else table.path.name
    return FoundRecordings(recordings, name, splits, notes, passed_over)


def _by_folders(layout: Layout, file: AudioFile, artist_folders: bool) -> _Facts:
    folders = file.parts[len(layout.inside) : -1]
    if file.parts[: len(layout.inside)] != layout.inside:
        return _Facts("", None)
    genre = split = ""
    if layout.genre is not None and layout.genre < len(folders):
        genre = genre_name(folders[layout.genre])
    if layout.split is not None and layout.split < len(folders):
        split = folders[layout.split].casefold()
    if layout.split is not None and split not in SPLIT_WORDS:
        genre = ""
    below = max(-1 if place is None else place for place in (layout.genre, layout.split)) + 1
    artist = folders[below] if artist_folders and below < len(folders) else ""
    return _Facts(genre, SPLIT_WORDS.get(split), artist)


def _folder_notes(root: Path, layout: Layout, facts: Mapping[AudioFile, _Facts]) -> list[str]:
    notes = [f"The genres are the folders of {root}."] if layout.inside else []
    notes += _left_out("in no genre's folder", (f for f, fact in facts.items() if not fact.genre))
    if layout.genre == 0:
        genres = {fact.genre for fact in facts.values()}
        notes += [
            f"{top.name} has no recordings, so it is no genre."
            for top in sorted(root.iterdir())
            if top.is_dir() and not top.name.startswith(".") and genre_name(top.name) not in genres
        ]
    return notes


def _by_table(
    table: LabelTable, index: FileIndex, facts: Mapping[AudioFile, _Facts]
) -> tuple[dict[AudioFile, _Facts], list[str]]:
    """What a table says, with the splits of the folders where it has none."""
    rows = (
        (f"{table.path}, line {row.line}", row.track, _Facts(row.label, row.split, row.artist))
        for row in table.rows
    )
    hint = " Another column may name them: --columns path=NAME."
    found, notes = index.match(str(table.path), rows, hint)
    read = ", ".join(f"{kind} = {name}" for kind, name in table.columns.items())
    notes = [f"Labels are read from {table.path}: {read}.", *table.notes, *notes]
    notes += _left_out(f"in no row of {table.path}", (file for file in facts if file not in found))
    notes += _left_out(
        f"without a label in {table.path}", (file for file, fact in found.items() if not fact.genre)
    )
    if "split" not in table.columns:
        found = {file: fact._replace(split=facts[file].split) for file, fact in found.items()}
    return found, notes


def _table(
    folder: Path,
    root: Path,
    layout: Layout,
    labels: Labels,
    index: FileIndex,
    others: Iterable[tuple[str, ...]],
) -> LabelTable | None:
    """The table of labels that is named, or that lies there where the folders are no genres."""
    if labels.table is not None:
        return read_table(labels.table, labels.columns)
    if labels.columns:
        raise DataError("columns are those of a table: name its file (--labels FILE).")
    if layout.genre is not None:
        return None
    if layout.is_numbered:
        for place in (root, Path(os.path.abspath(root)).parent):
            for path in (place / _FMA_TABLE, place / "fma_metadata" / _FMA_TABLE):
                if path.is_file():
                    return read_table(path, {})
    tables = []
    for parts in others:
        if parts[-1].casefold().endswith(_TABLE_SUFFIXES) and parts[-1] != _SPLITS:
            with suppress(DataError):
                table = read_table(folder.joinpath(*parts), {})
                index.match("", ((row.track, row.track, 0) for row in table.rows))
                tables.append(table)
    if len(tables) == 1:
        return tables[0]
    likely = f"fma_metadata/{_FMA_TABLE}" if layout.is_numbered else "labels.csv"
    named = " or ".join(shlex.quote(str(table.path)) for table in tables[:2]) or likely
    command = f"python -m data build {shlex.quote(str(folder))} --labels {named}"
    if layout.is_numbered:
        raise DataError(
            f"the folders of {root} are numbered, as FMA's, and no genres. Expected a table of "
            f"labels, FMA's from fma_metadata.zip: {command}"
        )
    raise DataError(
        f"{root} holds recordings itself. Expected a folder a genre (if it is one genre's, name "
        f"the folder above), or a table of labels: {command}"
    )


def _check_not_above(root: Path, known: Iterable[AudioFile]) -> None:
    """Raise DataError where one folder holds all recordings, in folders of its own."""
    tops = {file.path.relative_to(root).parts[0] for file in known}
    inner = {file.path.relative_to(root).parts[1] for file in known if len(file.parts) > 2}
    if len(tops) == 1 and len(inner) > 1:
        (top,) = tops
        raise DataError(
            f"{root} has recordings in one folder only, {top}, and a dataset needs two genres. If "
            f"the folders in it are the genres: python -m data build {shlex.quote(str(root / top))}"
        )


def _recordings(
    used: Mapping[AudioFile, _Facts], class_of: Mapping[str, str], inside: int
) -> list[Recording]:
    recordings: dict[str, tuple[AudioFile, Recording]] = {}
    for file, fact in used.items():
        name = "/".join(file.parts[inside:])
        name = without_suffix(name) if file.should_be_audio else name
        if name in recordings:
            other, _ = recordings[name]
            if other.parts != file.parts:
                raise DataError(
                    f"two recordings have the same track name: {other.path} and {file.path}. Two "
                    "copies of one track would leak between splits: remove or rename one."
                )
            name = f"{name} (2)"  # its accents are stored in another way on the disk
        artist, genre = fact.artist or None, class_of[fact.genre]
        recordings[name] = file, Recording(file.path, name, genre, artist, fact.split)
    return sorted((one for _, one in recordings.values()), key=lambda recording: recording.name)


def _left_out(where: str, files: Iterable[AudioFile]) -> list[str]:
    """A sentence on the recordings that are left out, if there are any."""
    left = [file for file in files if file.should_be_audio]
    if not left:
        return []
    are = "recording is" if len(left) == 1 else "recordings are"
    return [f"{len(left)} {are} {where} and left out, such as {'/'.join(left[0].parts)}."]
