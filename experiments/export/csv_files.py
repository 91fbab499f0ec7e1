"""Tables as CSV text and files.

Numbers have full precision; what is None or not finite is an empty cell. Text that a spreadsheet
would read as a formula (it begins with =, +, - or @, perhaps after spaces) is preceded by an
apostrophe; control characters are left out.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from data.files.atomic import commit
from data.terminal.text import clean
from experiments.errors import RunError

if TYPE_CHECKING:
    from experiments.export.tables import Table

NAMES = ("trials", "epochs", "confusion", "predictions", "baselines")
_FORMULAS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")  # the last four are full-width forms


def write_tables(tables: Mapping[str, Table], folder: Path, *, replace: bool) -> dict[Path, int]:
    """Write each table to <folder>/<name>.csv, in UTF-8.

    Args:
        tables: by their names, which are among `NAMES`.
        folder: created if missing.
        replace: whether files of an earlier export may be replaced. Others in the folder stay.

    Returns:
        The files, with their numbers of rows.

    Raises:
        RunError: the folder is not empty and `replace` is false; a record is damaged.
        DataError: the disk is full or the folder cannot be written.
    """
    _check_free(folder, replace)
    is_new = not folder.exists()
    written: dict[Path, int] = {}
    try:
        with ExitStack() as commits:  # each file takes its place when all are written
            for name, table in tables.items():
                path = folder / f"{name}.csv"
                with commits.enter_context(commit(path)).open(
                    "w", encoding="utf-8", newline=""
                ) as file:
                    written[path] = _write(file, table.columns, table.rows)
    except BaseException:
        if is_new:
            with suppress(OSError):
                folder.rmdir()
        raise
    for name in set(NAMES) - set(tables):  # what an earlier export had and this has not
        (folder / f"{name}.csv").unlink(missing_ok=True)
    return written


def _check_free(folder: Path, replace: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file: name a folder for the tables with -o.")
    if not replace and folder.is_dir() and any(folder.iterdir()):
        raise RunError(
            f"the folder {folder} is not empty: name another with -o, or add --replace to write "
            "over the tables in it."
        )


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file's text: a line of columns, then a line for each row."""
    file = io.StringIO()
    _write(file, columns, rows)
    return file.getvalue()


def guarded(text: str) -> str:
    """Text that neither a spreadsheet nor a terminal executes."""
    text = clean(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) else text


def _write(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write columns and rows; the number of rows."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(map(_cell, columns))
    number = 0
    for number, row in enumerate(rows, start=1):  # noqa: B007
        writer.writerow(map(_cell, row))
    return number


def _cell(value: object) -> object:
    if isinstance(value, str):
        return guarded(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
