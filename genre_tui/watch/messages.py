"""What background threads send to the screens."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from experiments.runs.directory import RunDirectory
from experiments.runs.events import LogEntry
from experiments.runs.manifest import RunManifest
from experiments.runs.progress import RunProgress
from experiments.runs.state import Results, State
from genre_tui.watch.run_summary import RunSummary


@dataclass
class RunsListed(Message):
    """All runs as they are now, the newest first; only sent when something has changed.

    Args:
        complete: whether all have been read, or more is coming.
        problem: why there are none, where their folder is not there or cannot be read.
    """

    summaries: tuple[RunSummary, ...]
    complete: bool
    problem: str = ""


@dataclass
class RunUpdate(Message):
    """What is new of the watched run.

    Args:
        anew: whether the events begin again: what was sent before is to be dropped.
        entries: new events, in the order of writing.
        state: None where it is not known yet.
        owner: the process that trains it, in words, or "".
        reason: of a failure.
        problem: why the run cannot be read, or "".
        results: of its trials, once no process trains it; None where they were sent before.
        manifest: None where it has nothing more than before.
        progress: the state that the entries go on from; None where it is that of the messages
            before.
    """

    run: RunDirectory
    anew: bool
    entries: tuple[LogEntry, ...]
    state: State | None
    owner: str = ""
    reason: str = ""
    problem: str = ""
    results: Results | None = None
    manifest: RunManifest | None = None
    progress: RunProgress | None = None
