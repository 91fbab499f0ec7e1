"""The event log of a run: JSON lines, appended by one process and read while they come.

Each process of a run writes a file of its own, events/0001.jsonl, 0002.jsonl and so on.
A line has its number `n`, its `time` (seconds since 1970, UTC), its `event` and that
event's fields (see `events`), and ends in a checksum. Numbers that are not finite are
"nan", "inf" and "-inf".

Beside a long log lies a summary: the state that a reader comes to at a place near its end, and
that place. It replaces nothing but the reading of what is before that place, and is as little
trusted as the events are; one that does not fit the log is passed over.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from data.errors import DataError
from data.files.atomic import sync, writing
from data.files.plain import plain_file
from experiments.errors import RunError
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.events import Continued, Event, LogEntry, Paused, parse
from experiments.runs.progress import RunProgress
from experiments.runs.validation import MALFORMED, Count, Record, Text, count, each

_RESERVE_BYTES = 16 * 1024  # kept for an event that says that the disk is full
_LONGEST_LINE = 2**23  # bytes; an epoch of a trial has about 500, the largest plan 4 MB
_BLOCK = 2**18
_SUMMARY_VERSION = 1
_WORTH_A_SUMMARY = 4 * 2**20  # bytes of the log, which take about a quarter of a second to read
_SUMMARY_SECONDS = 10.0  # from one summary to the next, at least
_SUMMARY_SHARE = 0.02  # of the time that goes into summaries, at most
_MOST_UNREAD = 64 * 2**20  # bytes of a log without a summary that a resumed run reads
_CRC = slice(-10, -2)  # of a line without its end


class EventLog:
    """Appends events; may be used by several threads of one process.

    While the disk is full this waits for room, after writing a `Paused` event into space
    that it keeps for that. Where nothing can be written at all, events are lost: what
    matters is in the trials' results.

    Args:
        run: locked by the caller.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._summary = _SummaryWriter(run)
        folder = run.path / "events"
        with writing(folder):
            folder.mkdir(exist_ok=True)
            number = 1 + max((int(path.stem) for path in event_files(run)), default=0)
            self._path = folder / f"{number:04d}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o644)
            sync(folder)
        self._reserve = folder / ".reserve"
        self._number = self.lost = 0  # lines that are written, and events that could not be
        self._lock = threading.Lock()
        self._keep_reserve()

    def append(self, *events: Event) -> None:
        """Append events, in one write."""
        with self._lock:
            waiting = list(events)
            try:
                retry_when_disk_full(lambda: self._write(waiting), self._run, self._notify)
            except (StopAskedError, DataError):
                self.lost += len(waiting)
            self._summary.write()

    def close(self) -> None:
        """Wait until all events are on the disk, and close the file."""
        with self._lock:
            self._summary.write(is_last=True)
        with suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)
        self._reserve.unlink(missing_ok=True)

    def _write(self, events: list[Event]) -> None:
        """Write events and remove them from the list, as far as there is room."""
        entries = [
            LogEntry(number, time.time(), event)
            for number, event in enumerate(events, self._number + 1)
        ]
        lines = [checksums.dumps_line(entry.to_dict()) for entry in entries]
        begin, text = os.fstat(self._file).st_size, b"".join(lines)
        try:
            with writing(self._path):
                written = os.write(self._file, text)
                if written < len(text):
                    os.write(self._file, text[written:])  # raises what is wrong
        except DataError:
            # Lines that are there whole may have been read: they stay.
            there = os.fstat(self._file).st_size - begin
            whole = text[:there].count(b"\n")
            end = begin + sum(map(len, lines[:whole]))
            os.ftruncate(self._file, end)
            self._number += whole
            del events[:whole]
            self._summary.add(entries[:whole], self._path.name, end, lines[:whole])
            raise
        self._number += len(events)
        events.clear()
        self._summary.add(entries, self._path.name, begin + len(text), lines)

    def _notify(self, event: Paused | Continued) -> None:
        if isinstance(event, Paused):
            self._reserve.unlink(missing_ok=True)
        with suppress(DataError):
            self._write([event])
        if isinstance(event, Continued):
            self._keep_reserve()

    def _keep_reserve(self) -> None:
        with suppress(OSError):
            self._reserve.write_bytes(bytes(_RESERVE_BYTES))


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


class _SummaryWriter:
    """Keeps the state that readers come to, and writes it beside a long log now and then.

    Where a run is resumed that has a long log without a summary, such as one of an earlier
    version, there will be none either.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._before: list[LogPosition] = []
        self._position: LogPosition | None = None
        self._progress: RunProgress | None = None
        reader, (progress,) = open_log(run, None)
        if reader.unread <= _MOST_UNREAD:
            for entry in reader.entries():
                progress.handle(entry)
            self._before, self._progress = reader.positions, progress
        self._size = sum(position.offset for position in self._before)
        self._written = self._size  # bytes that the last summary stands for
        self._next = time.monotonic() + _SUMMARY_SECONDS
        self._step = _WORTH_A_SUMMARY  # bytes until the next one

    def add(
        self, entries: Sequence[LogEntry], file: str, offset: int, lines: Sequence[bytes]
    ) -> None:
        """Take in lines that a file has, up to an offset."""
        if self._progress is None or not lines:
            return
        for entry in entries:
            self._progress.handle(entry)
        crc32 = lines[-1][:-1][_CRC].decode()
        self._position = LogPosition(file, offset, entries[-1].number, crc32)
        self._size += sum(map(len, lines))

    def write(self, *, is_last: bool = False) -> None:
        """Write a summary, if it is worth that."""
        new, now = self._size - self._written, time.monotonic()
        if self._progress is None or self._position is None or not new:
            return
        if self._size < _WORTH_A_SUMMARY or not (
            is_last or (new >= self._step and now >= self._next)
        ):
            return
        self._written = self._size
        files = [position.to_dict() for position in (*self._before, self._position)]
        summary = {
            "schema_version": _SUMMARY_VERSION,
            "files": files,
            "progress": self._progress.to_record(),
        }
        # There is the log: also where the disk is full, or a number is not finite.
        with suppress(DataError, RunError, ValueError):
            self._step = max(_WORTH_A_SUMMARY, self._run.write_log_summary(summary))
        took = time.monotonic() - now
        self._next = now + max(_SUMMARY_SECONDS, took / _SUMMARY_SHARE)


def open_log(
    run: RunDirectory, *histories: Collection[str] | None
) -> tuple[EventReader, list[RunProgress]]:
    """A reader of a run's events, and the state that these go on from.

    The reader begins where the log's summary ends; without a valid one at the first event.

    Args:
        run: may be read-only, and grow while it is read.
        histories: as `RunProgress` takes it; the state is returned once for each.
    """
    try:
        plain = run.read_log_summary()
        positions = each(LogPosition.from_dict)(plain["files"])
        names = [path.name for path in event_files(run)][: len(positions)]
        if plain["schema_version"] != _SUMMARY_VERSION:
            raise ValueError(f"version {plain['schema_version']!r:.20}")
        if [position.file for position in positions] != names or not all(
            position.fits(run) for position in positions
        ):
            raise ValueError("it does not fit the log")
        states = [RunProgress.from_record(plain["progress"], one) for one in histories]
    except (RunError, *MALFORMED):
        return EventReader(run), [RunProgress(history=one) for one in histories]
    return EventReader(run, positions), states


def event_files(run: RunDirectory) -> list[Path]:
    """A run's event files, in the order in which they were written."""
    paths = [p for p in (run.path / "events").glob("*.jsonl") if p.stem.isdecimal()]
    return sorted(paths, key=lambda path: int(path.stem))


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
