"""Follows one run's events, in a thread."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.events import LogEntry, PlanMade
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.manifest import RunManifest
from experiments.runs.progress import RunProgress
from experiments.runs.search_journal import JOURNAL
from experiments.runs.state import Results, State, state_of
from experiments.runs.summaries import stamp_of
from genre_tui.watch.messages import RunUpdate
from genre_tui.watch.poller import Poller
from genre_tui.watch.run_summary import LiveRun, RunSummary

_AT_ONCE = 250  # events that are read and sent, so that keys are answered in between
_REST = 0.01  # seconds between two such parts


class RunWatcher(Poller):
    """Sends what is new of a run, from its first event on; it may vanish and come back.

    `notify` is called in the thread with each message.

    Attributes:
        summary: of the run while a process trains it, for the list of all runs: so its
            events are read once only. None otherwise.
    """

    def __init__(
        self, run: RunDirectory, refresh: float, notify: Callable[[RunUpdate], object]
    ) -> None:
        super().__init__("run", refresh)
        self.run = run
        self.summary: RunSummary | None = None
        self._notify = notify
        self._live: LiveRun | None = None
        self._progress: RunProgress | None = None
        self._status: tuple[State | None, str, str] = (None, "", "")  # with owner and reason
        self._problem = ""
        self._stamp = ""
        self._is_first = True
        # What is to be sent next.
        self._anew, self._entries = False, list[LogEntry]()
        self._results: Results | None = None
        self._manifest: RunManifest | None = None

    def poll(self) -> None:
        """Read what is new, and send it: events in parts, with rests for the screen between."""
        while self._read_and_send() and not self._has_ended:
            time.sleep(_REST)

    def _read_and_send(self) -> bool:
        """Returns whether there may be more events."""
        before = self._status
        try:
            self._read_state()
            live = self._live or self._begin()
            self._read_events(live)
        except (OSError, RunError) as error:
            self._status, self._stamp, self.summary = (None, "", ""), "", None
            problem = str(error) if os.path.isdir(self.run.path) else "its folder is gone."
            if problem != self._problem:
                self._problem = problem
                self._notify(RunUpdate(self.run, False, (), None, problem=problem))
            return False
        is_part = len(self._entries) >= _AT_ONCE
        changed = self._is_first or self._anew or (self._results is not None and not is_part)
        changed |= bool(self._problem) or self._status != before
        self._is_first, self._problem = False, ""
        if self._entries or changed:
            self._send(is_part)
        if not is_part:
            is_running = self._status[0] in ("running", "stopping")
            self.summary = live.summary() if is_running else None
        return is_part

    def _read_state(self) -> None:
        """Read the run's state; its results only where no process trains it."""
        if is_alive(self.run):
            owner = lock_holder(self.run)
            state: State = "stopping" if self.run.stop_is_asked else "running"
            self._status, self._stamp = (state, str(owner) if owner else "", ""), ""
            return
        stamp = stamp_of(self.run)
        if stamp != self._stamp:
            found = state_of(self.run, self.run.read_manifest(), histories=True)
            self._status = found.state, "", found.reason
            self._results, self._stamp = found.results, stamp

    def _begin(self) -> LiveRun:
        """Read what the log's summary holds; in the thread, as that may take a moment."""
        self._live = LiveRun(self.run, all_history=True)
        begun = self._live.begun.pop()
        self._progress = begun if begun.time else None
        return self._live

    def _read_events(self, live: LiveRun) -> None:
        """Read what is new; it is kept until it has been sent."""
        anew, entries = live.read(_AT_ONCE)
        if anew:
            self._anew, self._entries, self._stamp, self._progress = True, [], "", None
        self._entries += entries
        planned = any(isinstance(entry.event, PlanMade) for entry in entries)
        if anew or (planned and (self.run.path / JOURNAL).exists()):  # more trials are drawn
            self._manifest = self.run.read_manifest()
        if anew:
            self._read_state()

    def _send(self, is_part: bool) -> None:
        """Send what was read; results only with the last part, as they end its trials."""
        results = None if is_part else self._results
        update = RunUpdate(
            self.run,
            self._anew,
            tuple(self._entries),
            *self._status,
            results=results,
            manifest=self._manifest,
            progress=self._progress,
        )
        self._anew, self._entries, self._manifest, self._progress = False, [], None, None
        self._results = self._results if is_part else None
        self._notify(update)
