"""The event log of a run: JSON lines, appended by one process and read while they come.

Each process of a run writes a file of its own, events/0001.jsonl, 0002.jsonl and so on.
A line has its number `n`, its `time` (seconds since 1970, UTC), its `event` and that
event's fields (see `events`), and ends in a checksum. Numbers that are not finite are
"nan", "inf" and "-inf". `event_reader` reads it, `log_summary` lets readers begin near its end.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

from data.errors import DataError
from data.files.atomic import sync, writing
from experiments.errors import RunError
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.disk_space import StopAskedError, retry_when_disk_full
from experiments.runs.event_reader import event_files
from experiments.runs.events import Continued, Event, LogEntry, Paused
from experiments.runs.log_summary import SummaryWriter

_RESERVE_BYTES = 16 * 1024  # kept for an event that says that the disk is full


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
        self._summary = SummaryWriter(run)
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
        with suppress(RunError):
            self._run.require_owner()  # else it is another process's reserve by now
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
