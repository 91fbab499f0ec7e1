"""Tables of numeric features with a label in each row, such as GTZAN's features_3_sec.csv."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.datasets.source_dataset import git_blob_id
from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.sources.csv_table import Line, check_distinct, open_table
from data.sources.label_table import COLUMNS
from data.sources.labelled_arrays import Role, class_names, listed, split_names
from data.sources.labelled_rows import FoundRows, LabelledRows, columns_in_words

# Columns of other things than features, by the names that they have, the surest first.
_COLUMNS: dict[Any, list[str]] = {
    "label": [*COLUMNS["label"], "music_genre", "track_genre", "target", "y"],
    "track": [*COLUMNS["path"], "clip", "track_name"],
    "artist": [*COLUMNS["artist"], "artists"],
    "start": ["start", "start_time", "offset"],
    "split": COLUMNS["split"],
    "length": ["length"],
}
_NO_FEATURES = re.compile(r"|unnamed: ?\d+|index|row|id|.*_id")
_KAGGLE = {"filename", "length", "chroma_stft_mean"}  # columns of its tables of GTZAN
_GTZAN_RATE = 22050  # Hz, of the samples that `length` counts
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_ROWS_AT_ONCE = 4096
_LEAST_ROWS = 3  # of a class, for a column of one number a class to be no accident
_MOST_KEPT = 1000  # names of columns in the provenance


def read_table(
    path: Path,
    *,
    classes: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    names: Mapping[Role, str],
) -> FoundRows:
    """The rows of a CSV file: every column of numbers is a feature.

    Args:
        path: of the file.
        classes: names of the classes that labels number from 0, or that they must be of.
        groups: the track of each row, instead of a column's.
        names: of columns by what they hold: label, track, artist, start, split or length.

    Raises:
        DataError: it cannot be read, has no label column, or a cell is no number.
    """
    with open_table(path) as table:
        header, lines = table.header, table.lines
        check_distinct(path, header)
        place = _places(path, header, names)
        blocks = iter(lambda: list(islice(lines, _ROWS_AT_ONCE)), [])
        first = next(blocks, [])
        numeric = _numeric(header, first, set(place.values()))
        if not numeric:
            commas = any(_DECIMAL_COMMA.fullmatch(cell) for _, cells in first for cell in cells)
            raise DataError(
                f"{path} has no {'columns of numbers' if first else 'rows'}. Its columns are: "
                f"{listed(header)}.{' Write numbers with points, not commas.' * commas}"
            )
        cells: dict[str, list[str]] = {role: [] for role in place}
        read = [*numeric, *([place["start"]] if "start" in place else [])]
        blocks_read = []
        for block in chain([first], blocks):
            blocks_read.append(_numbers(path, header, block, read))
            for role, column in place.items():
                cells[role] += [line[column].strip() for _, line in block]
    labels: npt.NDArray[Any] = np.array(cells["label"])
    if all(map(str.isdecimal, cells["label"])):
        labels = labels.astype(np.float64)  # of any size
    genres = class_names(f"{path}: {header[place['label']]}", labels, classes)
    if set(map(str.lower, cells.get("split", ()))) - SPLIT_WORDS.keys() and "split" not in names:
        del place["split"], cells["split"]  # such as the size of FMA that a track is in
    roles = [f"{role} {header[column]}" for role, column in place.items() if role != "length"]
    columns = [header[column] for column in numeric]
    notes = [
        *table.notes,
        f"{path.name}: {columns_in_words(len(numeric))} of numbers ({listed(columns, 3)}); other "
        f"columns: {', '.join(roles)}.",
    ]
    values = np.concatenate(blocks_read)
    if numbered := _labels_again(values[:, : len(numeric)], labels):
        raise DataError(
            f"{path}: {header[numeric[numbered[0]]]} has one number for all rows of a class and "
            "another for each class, as a label has: take the column out of the table."
        )
    used = {*numeric, *place.values()}
    if unused := [name for number, name in enumerate(header) if number not in used]:
        notes.append(f"Columns that are no features: {listed(unused)}.")
    rows = LabelledRows(
        where=f"rows of {path}",
        features={"mfcc": values[:, : len(numeric)]},
        labels=genres,
        tracks=groups or cells.get("track"),
        artists=cells.get("artist"),
        seconds=_seconds(cells["length"]) if set(header) >= _KAGGLE else None,
        start=values[:, -1] if "start" in place else None,
        split=split_names(str(path), cells["split"]) if "split" in cells else None,
    )
    provenance = {
        "kind": "table",
        "folder": path.resolve().name,
        "files": {path.name: git_blob_id(path)},
        "features": {"mfcc": columns_in_words(len(numeric))},
        "columns": columns[:_MOST_KEPT],
    }
    order = None if classes is None else tuple(classes)
    return FoundRows({None: rows}, order, provenance, tuple(notes))


def _labels_again(values: npt.NDArray[np.float64], labels: npt.NDArray[Any]) -> list[int]:
    """The columns that are the labels once more, as numbers."""
    _, first, number, count = np.unique(
        labels, return_index=True, return_inverse=True, return_counts=True
    )
    if count.min() < _LEAST_ROWS:
        return []
    same = (values == values[first][number]).all(axis=0)
    apart = [len(np.unique(column)) == len(first) for column in values[first].T]
    return np.flatnonzero(same & apart).tolist()


def _seconds(lengths: Sequence[str]) -> npt.NDArray[np.float64] | None:
    """The length of each row's segment in GTZAN, from its number of samples."""
    if not all(map(str.isdecimal, lengths)):
        return None
    return np.array(lengths, dtype=np.float64) / _GTZAN_RATE


def _places(path: Path, header: Sequence[str], names: Mapping[Role, str]) -> dict[str, int]:
    """The column of each role that there is."""
    if unknown := names.keys() - _COLUMNS.keys():
        raise DataError(
            f"columns of a table can be named for {', '.join(_COLUMNS)}. Received: {min(unknown)}."
        )
    lower = [name.lower() for name in header]
    place = {}
    for role, usual in _COLUMNS.items():
        if (name := names.get(role)) is not None and name not in header:
            raise DataError(f"{path} has no column {name!r}. There are: {listed(header)}.")
        wanted = usual if name is None else [name.lower()]
        if found := next((column for column in wanted if column in lower), None):
            place[role] = lower.index(found) if name is None else header.index(name)
    if "label" not in place:
        raise DataError(
            f"{path} has no column of labels, such as label or genre: name it with --columns "
            f"label=NAME. There are: {listed(header)}."
        )
    return place


def _numeric(header: Sequence[str], lines: Sequence[Line], others: set[int]) -> list[int]:
    """The columns that hold numbers, but for those that number the rows or measure them."""
    return [
        number
        for number, name in enumerate(header)
        if number not in others
        and not _NO_FEATURES.fullmatch(name.lower())
        and sum(_is_number(cells[number]) for _, cells in lines) > len(lines) / 2
    ]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(
    path: Path, header: Sequence[str], lines: Sequence[Line], numeric: Sequence[int]
) -> npt.NDArray[np.float64]:
    try:
        rows = [[float(cells[column]) for column in numeric] for _, cells in lines]
        values = np.array(rows, dtype=np.float64)
        if np.isfinite(values).all():
            return values
    except ValueError:
        pass
    for line, cells in lines:
        for column in numeric:
            if not (_is_number(cells[column]) and math.isfinite(float(cells[column]))):
                raise DataError(
                    f"{path}, line {line}: {header[column]} must be a finite number. Received: "
                    f"{cells[column]!r:.60}. Correct it, or leave the row out."
                )
    raise AssertionError("all cells are finite numbers")
