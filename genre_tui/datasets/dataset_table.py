"""The columns of the table of datasets, and the same as CSV."""

from __future__ import annotations

import csv
import io

from genre_tui.datasets.dataset_text import size_text
from genre_tui.model.dataset_rows import SPLITS, DatasetLine, Datasets
from genre_tui.widgets.columns import Column


def dataset_columns() -> list[Column[DatasetLine]]:
    """From left to right."""
    return [
        Column("name", "dataset", 14, lambda line: line.name, grows=1),
        Column("kind", "made of", 10, lambda line: line.kind, rank=2),
        Column("genres", "genres", 6, _genres, is_number=True, rank=1),
        Column("rows", "train/val/test", 15, _rows, is_number=True),
        Column("tracks", "tracks", 6, _tracks, is_number=True),
        Column("mel", "mel", 3, _mel),
        Column("size", "size", 8, _size, is_number=True, rank=3),
    ]


def datasets_csv(found: Datasets) -> str:
    """A row a dataset."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    columns = ["dataset", "default", "made_of", "genres", *SPLITS, "tracks", "mel", "bytes"]
    writer.writerow([*columns, "content_sha256", "problem"])
    for line in found.lines:
        is_default = line.name == found.default
        cells = [line.name, int(is_default), line.kind, ";".join(line.genres), *line.rows]
        cells += [line.tracks, int(line.has_mel), line.size, line.sha256, line.problem]
        writer.writerow(cells)
    return file.getvalue()


def _rows(line: DatasetLine) -> str:
    if line.problem:
        return "damaged"
    return "/".join(map(str, line.rows)) if line.is_made else "on first use"


def _genres(line: DatasetLine) -> str:
    return str(len(line.genres) or "")


def _tracks(line: DatasetLine) -> str:
    return str(line.tracks or "")


def _mel(line: DatasetLine) -> str:
    return "" if line.problem else "yes" if line.has_mel else "no"


def _size(line: DatasetLine) -> str:
    return size_text(line.size) if line.size else ""
