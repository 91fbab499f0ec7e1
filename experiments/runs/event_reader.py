"""Reads the event log of a run, as it is written, in memory that does not grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data.files.plain import plain_file
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.events import Event, LogEntry, parse
from experiments.runs.validation import MALFORMED, Count, Record, Text, count

_LONGEST_LINE = 2**23  # bytes; an epoch of a trial has about 500, the largest plan 4 MB
_BLOCK = 2**18
_CRC = slice(-10, -2)  # of a line without its end


def event_files(run: RunDirectory) -> list[Path]:
    """A run's event files, in the order in which they were written."""
    paths = [p for p in (run.path / "events").glob("*.jsonl") if p.stem.isdecimal()]
    return sorted(paths, key=lambda path: int(path.stem))


@dataclass(frozen=True)
class LogPosition(Record):
    """A place between two lines of an event file.

    Args:
        file: its name.
        offset: in bytes.
        number: of the last valid line before it; 0 without one.
        crc32: that this line ends in; "" without one.
        invalid: lines before it that were damaged or not valid.
    """

    file: Text
    offset: Count
    number: Count = 0
    crc32: Text = ""
    invalid: Count = 0

    @classmethod
    def after(cls, file: str, offset: int, number: int, line: bytes) -> LogPosition:
        """The place after a line, which ends at an offset; the lines before it are valid."""
        return cls(file, offset, number, line.removesuffix(b"\n")[_CRC].decode())

    def fits(self, run: RunDirectory) -> bool:
        """Whether the file has that line just before this place."""
        if not self.number:
            return self.offset == 0
        try:
            with open(run.path / "events" / self.file, "rb", opener=plain_file) as file:
                begin = file.seek(max(0, self.offset - _LONGEST_LINE))
                *_, line, end = file.read(self.offset - begin).split(b"\n")
                return (
                    file.tell() == self.offset
                    and not end
                    and line[_CRC] == self.crc32.encode()
                    and count(checksums.loads_line(line)["n"]) == self.number
                )
        except (OSError, *MALFORMED):
            return False


class EventReader:
    """Reads the events of a run as they are written.

    A line that is not whole yet is left for the next time; one that is damaged, or whose
    fields are not those of its kind of event, is skipped and counted. Kinds that only a
    later version knows are skipped. Where a file has shrunk, reading restarts.

    Args:
        run: may be read-only, and grow while it is read.
        positions: where to begin in the first files; see `open_log`.
    """

    def __init__(self, run: RunDirectory, positions: Iterable[LogPosition] = ()) -> None:
        self._run = run
        self._files = {
            position.file: _File(
                run.path / "events" / position.file,
                position.invalid,
                position.offset,
                position.number,
                position.crc32,
            )
            for position in positions
        }

    def read(self, most: int | None = None) -> tuple[bool, list[LogEntry]]:
        """What is new since the last call.

        Args:
            most: entries, the next of which are left for the next call; None reads all.

        Returns:
            Whether reading has restarted, so that what was read before is void; and the
            entries, in the order of writing.
        """
        restarted = any(file.has_shrunk() for file in self._files.values())
        if restarted:
            self._files = {}
        return restarted, list(islice(self.entries(), most))

    def entries(self) -> Iterator[LogEntry]:
        """What is new since the last call, one by one: in memory that does not grow."""
        for path in event_files(self._run):
            yield from self._files.setdefault(path.name, _File(path)).read()

    @property
    def invalid_events(self) -> int:
        """Lines so far that were damaged or not valid."""
        return sum(file.invalid for file in self._files.values())

    @property
    def positions(self) -> list[LogPosition]:
        """How far each file has been read."""
        return [file.position for file in self._files.values()]

    @property
    def unread(self) -> int:
        """Bytes that have not been read."""
        found = 0
        for path in event_files(self._run):
            with suppress(OSError):
                found += path.stat().st_size
        return found - sum(position.offset for position in self.positions)


@dataclass
class _File:
    """One writer's file, read from a byte offset."""

    path: Path
    invalid: int = 0
    _offset: int = 0
    _number: int = 0  # of the last line that was valid
    _crc32: str = ""  # that this line ends in
    _skips: bool = False  # what follows belongs to a line that is too long

    @property
    def position(self) -> LogPosition:
        return LogPosition(self.path.name, self._offset, self._number, self._crc32, self.invalid)

    def has_shrunk(self) -> bool:
        try:
            return self.path.stat().st_size < self._offset
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def read(self) -> Iterator[LogEntry]:
        try:
            with open(self.path, "rb", opener=plain_file) as file:
                file.seek(self._offset)
                rest = b""
                while block := file.read(_BLOCK):
                    *lines, rest = (rest + block).split(b"\n")
                    for line in lines:
                        self._offset += len(line) + 1
                        entry = self._entry(line)
                        if entry is not None:
                            yield entry
                    if len(rest) > _LONGEST_LINE:  # nothing of ours: not kept in memory
                        self._offset += len(rest)
                        self._skips, rest = True, b""
        except OSError:
            return  # it has gone, or cannot be read now

    def _entry(self, line: bytes) -> LogEntry | None:
        skips, self._skips = self._skips, False
        try:
            if skips or len(line) > _LONGEST_LINE:
                raise ValueError
            plain = checksums.loads_line(line)
            entry, number = parse(plain), plain["n"]
            if number <= self._number:
                raise ValueError
        except MALFORMED:
            self.invalid += 1
            return None
        self._number, self._crc32 = number, line[_CRC].decode()
        return entry


def last_event(run: RunDirectory) -> Event | None:
    """The last event that is valid, without reading those before it."""
    for path in reversed(event_files(run)):
        try:
            with open(path, "rb", opener=plain_file) as file:
                size = file.seek(0, 2)
                file.seek(max(0, size - _BLOCK))
                lines = file.read(_BLOCK).split(b"\n")[:-1]
        except OSError:
            continue
        for line in reversed(lines):
            try:
                if entry := parse(checksums.loads_line(line)):
                    return entry.event
            except MALFORMED:
                continue
    return None
