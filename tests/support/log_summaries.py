"""Summaries of event logs that are too short to get one."""

from __future__ import annotations

from pathlib import Path

from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.progress import RunProgress


def write_summary(run: RunDirectory, entries: int | None = None) -> Path:
    """Write the summary of a run's log, or of its first entries; the file."""
    reader, progress = EventReader(run), RunProgress(history=None)
    for entry in reader.read(entries)[1]:
        progress.handle(entry)
    files = [position.to_dict() for position in reader.positions]
    summary = {"schema_version": 1, "files": files, "progress": progress.to_record()}
    run.write_log_summary(summary)
    return run.path / "events" / "summary.json"
