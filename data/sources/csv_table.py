"""Reads CSV files of any usual delimiter and encoding, with one or several header rows."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from data.errors import DataError
from data.files.plain import plain_file

_DELIMITERS = ",;\t|"
_MOST_HEADER_ROWS = 4
_LARGEST_CELL = 1 << 24  # characters; biographies are long
_BLOCK = 1 << 20  # bytes
_SHOWN = 60  # bytes of a line

Line = tuple[int, list[str]]  # its number and its cells


@dataclass(frozen=True)
class CsvTable:
    """A CSV file that is open.

    Args:
        header: the names of its columns; those of several rows are joined by points.
        lines: the rows below, as long as the header, but for empty ones.
        notes: a sentence where its encoding is not as it should be.
    """

    header: list[str]
    lines: Iterator[Line]
    notes: tuple[str, ...] = ()


@contextmanager
def open_table(path: Path) -> Iterator[CsvTable]:
    """A CSV file whose lines are read in this block.

    Its cells are separated by commas, semicolons, tabs or bars. It is UTF-8, UTF-16 with its mark,
    or else taken for Windows-1252, with a note.

    Raises:
        DataError: it cannot be read, or a row has more cells than the header.
    """
    limit = csv.field_size_limit(_LARGEST_CELL)
    reader = None
    try:
        encoding, notes = _encoding(path)
        with open(path, newline="", encoding=encoding, opener=plain_file) as file:
            first = file.readline()
            if first.startswith("sep="):  # Excel's
                first = file.readline()
            delimiter = max(_DELIMITERS, key=lambda one: len(_cells(first, one)))
            reader = csv.reader(chain([first], file), delimiter=delimiter, strict=True)
            header, lines = _header((reader.line_num, cells) for cells in reader)
            yield CsvTable(header, _checked(path, lines, len(header)), notes)
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num if reader else 1} cannot be read as a row of a CSV "
            f"file ({error}): put cells that hold delimiters or quotation marks between "
            "quotation marks."
        ) from error
    except UnicodeError as error:
        raise DataError(f"{path} cannot be read as text ({error}): save it as UTF-8.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    finally:
        csv.field_size_limit(limit)  # it is one of the whole process


def _encoding(path: Path) -> tuple[str, tuple[str, ...]]:
    with open(path, "rb", opener=plain_file) as file:
        begin = file.read(4)
        if begin == b"PK\3\4":
            raise DataError(f"{path} is an Excel workbook or an archive: save it as a CSV file.")
        if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", ()
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        while block := file.read(_BLOCK):
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                odd = error.object[max(0, error.start - _SHOWN) : error.end + _SHOWN]
                lines = odd.decode("cp1252", "replace").splitlines()
                shown = next(line.strip() for line in lines if not line.isascii())
                return "cp1252", (
                    f"{path} is not UTF-8 and was read as Windows-1252 (Latin-1): {shown!r}. If "
                    "that is wrong, save it as UTF-8.",
                )
    return "utf-8-sig", ()


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _header(lines: Iterator[Line]) -> tuple[list[str], Iterable[Line]]:
    """The names of the columns, and the lines below them.

    Several header rows begin with an empty cell each and end with a row that names the first column
    only, as those of FMA.
    """
    _, first = next(lines, (0, list[str]()))
    peeked = list(islice(lines, _MOST_HEADER_ROWS)) if first and not first[0] else []
    for number, (_, cells) in enumerate(peeked):
        if number and cells and cells[0] and not any(cells[1:]):
            levels = [first, *(cells for _, cells in peeked[:number])]
            names = [".".join(filter(None, column)) for column in zip(*levels, strict=False)]
            return [cells[0], *names[1:]], chain(peeked[number + 1 :], lines)
        if cells and cells[0]:
            break
    return [name.strip() for name in first], chain(peeked, lines)


def _checked(path: Path, lines: Iterable[Line], columns: int) -> Iterator[Line]:
    for number, cells in lines:
        if len(cells) > columns and any(cells[columns:]):
            raise DataError(
                f"{path}, line {number}: a row must have {columns} cells, as the header. Received: "
                f"{len(cells)}. Put those that hold a delimiter between quotation marks."
            )
        if any(cells):
            yield number, [*cells[:columns], *[""] * (columns - len(cells))]


def check_distinct(path: Path, header: Sequence[str], used: Collection[str] = ()) -> None:
    """Raise DataError where two columns have one name, of those used if any are given."""
    twice = [name for name, n in Counter(header).items() if n > 1 and name]
    if twice := [name for name in twice if not used or name in used]:
        raise DataError(f"{path} has two columns {twice[0]!r}: rename one.")
