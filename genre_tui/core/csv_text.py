"""Tables as CSV text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from data.terminal.text import clean

_FORMULAS = "=+-@\uff1d\uff0b\uff0d\uff20"  # a spreadsheet would take the text for one


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file's text; names in it are clean, and no spreadsheet takes them for formulas."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        value = clean(value)
        return f"'{value}" if value[:1] and value[0] in _FORMULAS else value
    return "" if value is None else value
