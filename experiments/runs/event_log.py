"""The event log of a run: JSON lines, appended by one process and read while they come.

Each process of a run writes a file of its own, events/0001.jsonl, 0002.jsonl and so on.
A line has its number `n`, its `time` (seconds since 1970, UTC), its `event` and that
event's fields (see `events`), and ends in a checksum. Numbers that are not finite are
"nan", "inf" and "-inf".
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from data.errors import DataError
from data.files.atomic import sync, writing
from data.files.plain import plain_file
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.events import Continued, Event, LogEntry, Paused, parse
from experiments.runs.validation import MALFORMED

_RESERVE_BYTES = 16 * 1024  # kept for an event that says that the disk is full
_LONGEST_LINE = 2**23  # bytes; an epoch of a trial has about 500, the largest plan 4 MB
_BLOCK = 2**18


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

    def close(self) -> None:
        """Wait until all events are on the disk, and close the file."""
        with suppress(OSError):
            os.fsync(self._file)
        os.close(self._file)
        self._reserve.unlink(missing_ok=True)

    def _write(self, events: list[Event]) -> None:
        """Write events and remove them from the list, as far as there is room."""
        lines = [
            checksums.dumps_line(LogEntry(number, time.time(), event).to_dict())
            for number, event in enumerate(events, self._number + 1)
        ]
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
            os.ftruncate(self._file, begin + sum(map(len, lines[:whole])))
            self._number += whole
            del events[:whole]
            raise
        self._number += len(events)
        events.clear()

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


def event_files(run: RunDirectory) -> list[Path]:
    """A run's event files, in the order in which they were written."""
    paths = [p for p in (run.path / "events").glob("*.jsonl") if p.stem.isdecimal()]
    return sorted(paths, key=lambda path: int(path.stem))


@dataclass
class EventReader:
    """Reads the events of a run as they are written.

    A line that is not whole yet is left for the next time; one that is damaged, or whose
    fields are not those of its kind of event, is skipped and counted. Kinds that only a
    later version knows are skipped. Where a file has shrunk, reading restarts.

    Args:
        run: may be read-only, and grow while it is read.
        invalid_events: lines so far that were damaged or not valid.
    """

    run: RunDirectory
    invalid_events: int = 0
    _files: dict[str, _File] = field(default_factory=dict)

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
        entries: list[LogEntry] = []
        for path in event_files(self.run):
            left = None if most is None else most - len(entries)
            entries += islice(self._files.setdefault(path.name, _File(path)).read(), left)
        self.invalid_events = sum(file.invalid for file in self._files.values())
        return restarted, entries


@dataclass
class _File:
    """One writer's file, read from a byte offset."""

    path: Path
    invalid: int = 0
    _offset: int = 0
    _number: int = 0  # of the last line
    _skips: bool = False  # what follows belongs to a line that is too long

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
        self._number = number
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
