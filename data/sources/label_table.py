"""Reads tables of tracks with their genres, splits and artists, as CSV files of any delimiter."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from data.datasets.dataset import SplitName
from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.files.plain import plain_file
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
_DELIMITERS = ",;\t|"
_MOST_HEADER_ROWS = 4
_LARGEST_CELL = 1 << 24  # characters; biographies are long
_EMPTY = frozenset({"", "nan", "none", "null", "n/a"})

Rows = Iterable[tuple[int, list[str]]]  # line, cells


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
    """Read a table with a header: UTF-8, UTF-16 with its mark, or Windows-1252 with a note.

    Args:
        path: CSV file, its cells separated by commas, semicolons, tabs or bars.
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
    limit = csv.field_size_limit(_LARGEST_CELL)
    try:
        with open(path, "rb", opener=plain_file) as file:
            begin = file.read(4)
        if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return _read(path, "utf-16", columns, needed)
        try:
            return _read(path, "utf-8-sig", columns, needed)
        except UnicodeDecodeError as error:
            odd = error.object[max(0, error.start - 20) : error.end + 20]
            table = _read(path, "cp1252", columns, needed)
        text = odd.decode("cp1252", "replace").splitlines()
        shown = next((line for line in text if not line.isascii()), "")
        note = (
            f"{path} is not UTF-8 and was read as Windows-1252 (Latin-1): {shown.strip()!r}. If "
            "that is wrong, save it as UTF-8."
        )
        return LabelTable(table.path, table.rows, table.columns, (*table.notes, note))
    except UnicodeError as error:
        raise DataError(
            f"{path} is no text that can be read ({error}): save it as UTF-8."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    finally:
        csv.field_size_limit(limit)  # it is one of the whole process


def _read(
    path: Path, encoding: str, columns: Mapping[str, str], needed: Sequence[str]
) -> LabelTable:
    with open(path, encoding=encoding, newline="", opener=plain_file) as file:
        first = file.readline()
        delimiter = _delimiter(first, columns, needed)
        reader = csv.reader(chain([first], file), delimiter=delimiter, strict=True)
        try:
            header, rows = _header((reader.line_num, cells) for cells in reader)
            place = _places(path, header, columns, needed)
            table = [
                _row(f"{path}, line {line}", line, cells, place, len(header))
                for line, cells in rows
                if any(cells)
            ]
        except csv.Error as error:
            raise DataError(
                f"{path}, line {reader.line_num} is no row of a CSV file ({error}): put cells that "
                "hold a delimiter or quotation mark between quotation marks."
            ) from error
    if not table:
        raise DataError(f"{path} has no rows below its header.")
    if not any(row.split for row in table):
        place.pop("split", None)
    return LabelTable(path, table, {kind: header[column] for kind, column in place.items()})


def _delimiter(line: str, columns: Mapping[str, str], needed: Sequence[str]) -> str:
    """The delimiter that makes the most of a header: wanted columns first, then all."""

    def merit(delimiter: str) -> tuple[int, int]:
        try:
            header = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        return sum(bool(_candidates(header, kind, columns)) for kind in needed), len(header)

    return max(_DELIMITERS, key=merit)


def _header(rows: Iterator[tuple[int, list[str]]]) -> tuple[list[str], Rows]:
    """The names of the columns, and the rows below them.

    Several header rows begin with an empty cell each and end with a row that names the first column
    only; their names are joined by points.
    """
    _, first = next(rows, (0, list[str]()))
    peeked = list(islice(rows, _MOST_HEADER_ROWS)) if first and not first[0] else []
    for number, (_, cells) in enumerate(peeked):
        if number and cells and cells[0] and not any(cells[1:]):
            levels = [first, *(cells for _, cells in peeked[:number])]
            names = [".".join(filter(None, column)) for column in zip(*levels, strict=False)]
            return [cells[0], *names[1:]], chain(peeked[number + 1 :], rows)
        if cells and cells[0]:
            break
    return first, chain(peeked, rows)


def _places(
    path: Path, header: Sequence[str], columns: Mapping[str, str], needed: Sequence[str]
) -> dict[str, int]:
    """The place in a row of each kind of fact that the table has."""
    place: dict[str, int] = {}
    has = f"It has: {', '.join(header[:20]) or 'none'}."
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


def _row(where: str, line: int, cells: list[str], place: Mapping[str, int], columns: int) -> Row:
    if len(cells) > columns and any(cells[columns:]):
        raise DataError(
            f"{where} has {len(cells)} cells, the header {columns}: put those that hold a "
            "delimiter between quotation marks."
        )
    values = {
        kind: " ".join(cells[column].split()) if column < len(cells) else ""
        for kind, column in place.items()
    }
    values = {kind: "" if text.lower() in _EMPTY else text for kind, text in values.items()}
    if not values["path"]:
        raise DataError(f"{where} names no file.")
    label = genre_name(values.get("label", ""))
    if label.startswith(("[", "{", "(")):
        raise DataError(f"{where}: expected one genre a track. Received: {label!r:.100}.")
    word = values.get("split", "").casefold()
    if word and word not in SPLIT_WORDS:
        raise DataError(
            f"{where}: split must be train, validation or test. Received: "
            f"{values['split']!r:.100}. (--columns split= ignores the column.)"
        )
    path, artist = cells[place["path"]].strip(), composed(values.get("artist", ""))
    return Row(line, path, label, SPLIT_WORDS.get(word), artist)
