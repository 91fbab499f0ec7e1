"""Reads a run's events as they come, while somebody else writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import event_files
from experiments.runs.events import Event, LogEntry, parse
from experiments.runs.validation import MALFORMED

_LONGEST_LINE = 2**20  # bytes; an epoch of a trial has about 500
_BLOCK = 2**18


@dataclass
class EventReader:
    """Reads the events of a run as they are written.

    A line that is not whole yet is left for the next time; one that is damaged, or holds
    what its kind of event cannot, is passed over and counted. Events of kinds that only
    a later version knows are passed over. Where a file has shrunk, everything is read
    anew.

    Args:
        run: may be read-only, and grow while it is read.
        invalid_events: lines so far that were damaged or made no sense.
    """

    run: RunDirectory
    invalid_events: int = 0
    _files: dict[str, _File] = field(default_factory=dict)

    def read(self) -> tuple[bool, list[LogEntry]]:
        """What is new since the last time.

        Returns:
            Whether the events begin anew, so that what was read before is void; and
            the entries, in the order of writing.
        """
        anew = any(file.has_shrunk() for file in self._files.values())
        if anew:
            self._files = {}
        return anew, list(self._new())

    def _new(self) -> Iterator[LogEntry]:
        for path in event_files(self.run):
            file = self._files.setdefault(path.name, _File(path))
            yield from file.new()
        self.invalid_events = sum(file.invalid for file in self._files.values())


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

    def new(self) -> Iterator[LogEntry]:
        try:
            with self.path.open("rb") as file:
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
            with path.open("rb") as file:
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
