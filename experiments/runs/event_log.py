"""The event log of a run: JSON lines, appended by one writer to one file.

Each owner of a run writes a file of its own, events/0001.jsonl, 0002.jsonl and so on.
A line has its number `n`, its `time` (seconds since 1970, UTC), its `event` and that
event's fields (see `events`), and ends in a checksum. Numbers that are not finite are
"nan", "inf" and "-inf". `event_reader` reads them.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from data.errors import DataError
from data.files.atomic import sync, writing
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.disk_space import StopAskedError, patiently
from experiments.runs.events import Continued, Event, LogEntry, Paused

_RESERVE_BYTES = 16 * 1024  # kept for an event that says that the disk is full


class EventLog:
    """Appends events; may be used by several threads of one process.

    Where the disk is full this waits for room, after saying so in space that it has
    kept for that. Where nothing can be written at all, events are lost: what matters
    is in the trials' results.

    Args:
        run: that the caller owns.
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
        self._number = 0
        self._lock = threading.Lock()
        self.lost = 0
        with suppress(OSError):
            self._keep_reserve()

    def append(self, *events: Event) -> None:
        """Append events, in one write."""
        with self._lock:
            waiting = list(events)
            try:
                patiently(lambda: self._write(waiting), self._run, self._pause, self._continue)
            except (StopAskedError, DataError):
                self.lost += len(waiting)

    def sync(self) -> None:
        """Wait until all events are on the disk."""
        with suppress(OSError):
            os.fsync(self._file)

    def close(self) -> None:
        """Give back what was kept."""
        self.sync()
        os.close(self._file)
        self._reserve.unlink(missing_ok=True)

    def _write(self, events: list[Event]) -> None:
        """Write events and take them out of the list, as far as there is room."""
        lines = [
            checksums.dumps_line(LogEntry(number, time.time(), event).to_dict())
            for number, event in enumerate(events, self._number + 1)
        ]
        begin, text = os.fstat(self._file).st_size, b"".join(lines)
        try:
            with writing(self._path):
                written = os.write(self._file, text)
                if written < len(text):
                    os.write(self._file, text[written:])  # says what the matter is
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

    def _pause(self, reason: str) -> None:
        self._reserve.unlink(missing_ok=True)
        with suppress(DataError):
            self._write([Paused(reason)])

    def _continue(self) -> None:
        with suppress(DataError):
            self._write([Continued()])
        with suppress(OSError):
            self._keep_reserve()

    def _keep_reserve(self) -> None:
        self._reserve.write_bytes(bytes(_RESERVE_BYTES))


def event_files(run: RunDirectory) -> list[Path]:
    """A run's event files, in the order in which they were written."""
    paths = [p for p in (run.path / "events").glob("*.jsonl") if p.stem.isdecimal()]
    return sorted(paths, key=lambda path: int(path.stem))
