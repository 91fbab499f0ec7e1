"""What background threads send to the screens."""

from __future__ import annotations

from textual.message import Message

from experiments.runs.directory import RunDirectory
from experiments.runs.events import LogEntry
from experiments.runs.manifest import RunManifest
from experiments.runs.state import Results, State
from genre_tui.watch.run_summary import RunSummary


class RunsSeen(Message):
    """All runs as they are now, the newest first; only sent when something has changed.

    Args:
        summaries: of the runs.
        complete: whether all have been read, or more is coming.
        problem: why there are none, where their folder is not there or cannot be read.
    """

    def __init__(
        self, summaries: tuple[RunSummary, ...], complete: bool, problem: str = ""
    ) -> None:
        super().__init__()
        self.summaries, self.complete, self.problem = summaries, complete, problem


class RunUpdate(Message):
    """What is new of the run that is watched.

    Args:
        run: its directory.
        anew: forget what was sent before: the events begin again.
        entries: new events, in the order of writing.
        state: of the run now; None where it is not known yet.
        owner: the process that trains it, in words; "" where none does.
        reason: of a failure.
        problem: why it cannot be read, or "".
        results: of its trials, once nothing trains it; None where they were sent before.
        manifest: as it is now, where it has more than before; else None.
    """

    def __init__(
        self,
        run: RunDirectory,
        anew: bool,
        entries: tuple[LogEntry, ...],
        state: State | None,
        owner: str,
        reason: str,
        problem: str,
        results: Results | None = None,
        manifest: RunManifest | None = None,
    ) -> None:
        super().__init__()
        self.run, self.anew, self.entries = run, anew, entries
        self.state, self.owner, self.reason, self.problem = state, owner, reason, problem
        self.results, self.manifest = results, manifest
