"""A summary beside a long event log, so that readers begin near its end.

It is the state that a reader comes to at a place in the log, and that place. It replaces
nothing but the reading of what is before that place, and is as little trusted as the events
are; one that does not fit the log is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import suppress

from data.errors import DataError
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader, LogPosition, event_files
from experiments.runs.events import LogEntry
from experiments.runs.progress import RunProgress
from experiments.runs.validation import MALFORMED, each

_SUMMARY_VERSION = 1
_WORTH_A_SUMMARY = 4 * 2**20  # bytes of the log, which take about a quarter of a second to read
_SUMMARY_SECONDS = 10.0  # from one summary to the next, at least
_SUMMARY_SHARE = 0.02  # of the time that goes into summaries, at most
_MOST_UNREAD = 64 * 2**20  # bytes of a log without a summary that a resumed run reads


class SummaryWriter:
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
        self._position = LogPosition.after(file, offset, entries[-1].number, lines[-1])
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
