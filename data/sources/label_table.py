"""Reads tables of tracks with their genres, splits and artists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from data.datasets.dataset import SplitName
from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.sources.csv_table import check_distinct, open_table
from data.sources.names import composed, genre_name

# The usual names of the columns of each kind of fact, the surest first. A column "genre_top" below
# "track", in a table of several header rows such as FMA's, is track_genre_top.
_PATH = """
path filepath file_path filename file_name file audio_path audio_file audio track_path track_id
trackid track song song_id id
"""
_LABEL = """
label genre genre_top track_genre_top top_genre genre_label main_genre class class_name category
style
"""
COLUMNS = {
    "path": _PATH.split(),
    "label": _LABEL.split(),
    "split": ["split", "set_split", "set", "subset", "partition"],
    "artist": ["artist", "artist_name", "artist_id"],
}
_EMPTY = frozenset({"", "nan", "none", "null", "n/a"})


class Row(NamedTuple):
    """A track of a table; texts are empty where the table has none."""

    line: int
    track: str
    label: str
    split: SplitName | None
    artist: str


@dataclass(frozen=True)
class LabelTable:
    """A table that has been read.

    Args:
        path: of its file.
        rows: its tracks.
        columns: the name of the column that each kind of fact comes from.
        notes: a sentence on what is odd about it.
    """

    path: Path
    rows: list[Row]
    columns: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_table(
    path: Path, columns: Mapping[str, str], needed: Sequence[str] = ("path", "label")
) -> LabelTable:
    """Read a table of tracks.

    Args:
        path: CSV file, as `open_table` takes it.
        columns: the column of a kind of fact (path, label, split, artist) where its usual names
            are not those of the table; an empty name ignores it.
        needed: the kinds without which it is of no use.

    Raises:
        DataError: it cannot be read, lacks a needed column, or a row cannot be.
    """
    if unknown := columns.keys() - COLUMNS.keys():
        raise DataError(
            f"columns can be chosen for {', '.join(COLUMNS)}. Received: {min(unknown)!r}."
        )
    with open_table(path) as table:
        place = _places(path, table.header, columns, needed)
        rows = [_row(path, line, cells, place) for line, cells in table.lines]
        header, notes = table.header, table.notes
    if not rows:
        raise DataError(f"{path} has no rows below its header.")
    if not any(row.split for row in rows):
        place.pop("split", None)
    return LabelTable(path, rows, {kind: header[column] for kind, column in place.items()}, notes)


def _places(
    path: Path, header: Sequence[str], columns: Mapping[str, str], needed: Sequence[str]
) -> dict[str, int]:
    """The place in a row of each kind of fact that the table has."""
    place: dict[str, int] = {}
    has = f"It has: {', '.join(f'{name:.40}' for name in header[:20]) or 'none'}."
    for kind in COLUMNS if "label" in needed else needed:
        found = _candidates(header, kind, columns)
        if columns.get(kind) and len(found) != 1:
            many = "several columns" if found else "no column"
            raise DataError(f"{path} has {many} {columns[kind]!r}. {has}")
        if kind == "label" and len(found) > 1:
            names = " and ".join(header[column] for column in found[:2])
            raise DataError(
                f"{path} has the columns {names}: choose which holds the genres, "
                f"--columns label={header[found[0]]}."
            )
        if found:
            place[kind] = found[0]
    check_distinct(path, header, [header[column] for column in place.values()])
    if missing := [kind for kind in needed if kind not in place]:
        usual = " and ".join(f"{kind} ({', '.join(COLUMNS[kind][:4])})" for kind in missing)
        chosen = ",".join(f"{kind}=NAME" for kind in missing)
        raise DataError(f"{path} needs a column for {usual}: choose it, --columns {chosen}. {has}")
    return place


def _candidates(header: Sequence[str], kind: str, columns: Mapping[str, str]) -> list[int]:
    """The columns that may hold a kind of fact: the chosen one, or the usual ones in order."""
    keys = [_key(name) for name in header]
    if kind not in columns:
        return [keys.index(name) for name in COLUMNS[kind] if name in keys]
    if not (chosen := _key(columns[kind])):
        return []
    found = [column for column, key in enumerate(keys) if key == chosen]
    ends = [column for column, name in enumerate(header) if _key(name.split(".")[-1]) == chosen]
    return found or ends


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "_", composed(name).casefold()).strip("_")


def _row(path: Path, line: int, cells: list[str], place: Mapping[str, int]) -> Row:
    where = f"{path}, line {line}"
    if not (track := cells[place["path"]].strip()):
        raise DataError(f"{where} names no file.")
    values = {kind: " ".join(cells[column].split()) for kind, column in place.items()}
    values = {kind: "" if text.lower() in _EMPTY else text for kind, text in values.items()}
    label = genre_name(values.get("label", ""))
    if label.startswith(("[", "{", "(")):
        raise DataError(f"{where}: expected one genre a track. Received: {label!r:.100}.")
    word = values.get("split", "").casefold()
    if word and word not in SPLIT_WORDS:
        raise DataError(
            f"{where}: split must be train, validation or test. Received: "
            f"{values['split']!r:.100}. (--columns split= ignores the column.)"
        )
    artist = composed(values.get("artist", ""))
    return Row(line, track, label, SPLIT_WORDS.get(word), artist)
