"""Reads a run's events as they come, while somebody else writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import event_files

_LONGEST_LINE = 2**20  # bytes; an epoch of a trial has about 500
_BLOCK = 2**18


@dataclass
class EventReader:
    """Follows the events of a run.

    A line that is not whole yet is left for the next time; one that is damaged is
    passed over and counted. Where a file has shrunk, everything is read anew.

    Args:
        run: may be read-only, and grow while it is read.
        damaged: lines so far that were not believed.
    """

    run: RunDirectory
    damaged: int = 0
    _files: dict[str, _File] = field(default_factory=dict)

    def read(self) -> tuple[bool, list[dict[str, Any]]]:
        """What is new since the last time.

        Returns:
            Whether the events begin anew, so that a reader forgets what it was told;
            and the events, in the order of writing.
        """
        if any(file.has_shrunk() for file in self._files.values()):
            self._files, self.damaged = {}, 0
            return True, list(self._new())
        return False, list(self._new())

    def _new(self) -> Iterator[dict[str, Any]]:
        for path in event_files(self.run):
            file = self._files.setdefault(path.name, _File(path))
            yield from file.new()
        self.damaged = sum(file.damaged for file in self._files.values())


@dataclass
class _File:
    """One writer's file, read from a byte offset."""

    path: Path
    damaged: int = 0
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

    def new(self) -> Iterator[dict[str, Any]]:
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                rest = b""
                while block := file.read(_BLOCK):
                    *lines, rest = (rest + block).split(b"\n")
                    for line in lines:
                        self._offset += len(line) + 1
                        event = self._event(line)
                        if event is not None:
                            yield event
                    if len(rest) > _LONGEST_LINE:  # nothing of ours: not kept in memory
                        self._offset += len(rest)
                        self._skips, rest = True, b""
        except OSError:
            return  # it has gone, or cannot be read now

    def _event(self, line: bytes) -> dict[str, Any] | None:
        skips, self._skips = self._skips, False
        try:
            if skips or len(line) > _LONGEST_LINE:
                raise ValueError
            event = checksums.loads_line(line)
            number = event["n"]
            if type(number) is not int or number <= self._number:
                raise ValueError
            if not (isinstance(event["event"], str) and type(event["time"]) in (int, float)):
                raise ValueError
        except (ValueError, KeyError):
            self.damaged += 1
            return None
        self._number = number
        return event


def last_event(run: RunDirectory) -> dict[str, Any] | None:
    """The last event that is whole, without reading those before it."""
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
                return checksums.loads_line(line)
            except ValueError:
                continue
    return None
