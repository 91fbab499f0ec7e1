"""Follows one run's events, in a thread."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.events import LogEntry, PlanMade
from experiments.runs.lock import is_alive, owner_of
from experiments.runs.manifest import RunManifest
from experiments.runs.state import Results, State, state_of
from genre_tui.watch.live_summary import LiveRun
from genre_tui.watch.messages import RunUpdate
from genre_tui.watch.run_summary import RunSummary, Stamp, stamp_of

_AT_ONCE = 250  # events in a message, so that keys are answered in between
_REST = 0.01  # seconds between two such messages


class RunWatcher:
    """Sends what is new of a run, from its first event on.

    Args:
        run: may be read-only, vanish, and come back.
        refresh: seconds between two looks.
        notify: is given the messages; called in this thread.

    Attributes:
        summary: of the run while a process trains it, for the list of all runs: so its
            events are read once only. None otherwise.
    """

    def __init__(
        self, run: RunDirectory, refresh: float, notify: Callable[[RunUpdate], object]
    ) -> None:
        self.run = run
        self.summary: RunSummary | None = None
        self._refresh, self._notify = refresh, notify
        self._live = LiveRun(run)
        self._state: State | None = None
        self._reason = self._owner = self._problem = ""
        # What is to be sent next.
        self._anew, self._entries = False, list[LogEntry]()
        self._results: Results | None = None
        self._manifest: RunManifest | None = None
        self._stamp: Stamp = ()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="run")

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no more; returns at once."""
        self._ended.set()

    def _watch(self) -> None:
        first = True
        while not self._ended.is_set():
            self.look(first)
            first = False
            self._ended.wait(self._refresh)

    def look(self, first: bool = False) -> None:
        """Look once, and send what is new."""
        before = self._state, self._reason, self._owner
        try:
            self._look_at_state()
            self._read_events()
        except (OSError, RunError) as error:
            self._state, self._stamp, self.summary = None, (), None
            problem = str(error)
            if not os.path.isdir(self.run.path):
                problem = "its folder is gone."
            if problem != self._problem:
                self._problem = problem
                self._notify(RunUpdate(self.run, False, (), None, "", "", problem))
            return
        changed = first or self._anew or (self._state, self._reason, self._owner) != before
        changed |= self._results is not None or bool(self._problem)
        self._problem = ""
        self.summary = self._live.summary() if self._state in ("running", "stopping") else None
        if self._entries or changed:
            self._send()

    def _read_events(self) -> None:
        """Read what is new; it is kept until it has been sent."""
        anew, entries = self._live.read()
        if anew:
            self._anew, self._entries, self._stamp = True, [], ()
        self._entries += entries
        if anew or any(isinstance(entry.event, PlanMade) for entry in entries):
            self._manifest = self.run.read_manifest()  # a search draws trials as it goes
        if anew:
            self._look_at_state()

    def _send(self) -> None:
        anew, self._anew = self._anew, False
        entries, self._entries = self._entries, []
        manifest, self._manifest = self._manifest, None
        results, self._results = self._results, None
        for begin in range(0, max(len(entries), 1), _AT_ONCE):
            is_last = begin + _AT_ONCE >= len(entries)
            update = RunUpdate(
                self.run,
                anew and begin == 0,
                tuple(entries[begin : begin + _AT_ONCE]),
                self._state,
                self._owner,
                self._reason,
                "",
                results=results if is_last else None,
                manifest=manifest if begin == 0 else None,
            )
            self._notify(update)
            if self._ended.is_set() or is_last:
                return
            time.sleep(_REST)

    def _look_at_state(self) -> None:
        """What state the run is in; its results are read when nobody carries it out only."""
        if is_alive(self.run):
            owner = owner_of(self.run)
            self._owner, self._reason = str(owner) if owner else "", ""
            self._state = "stopping" if self.run.stop_is_asked else "running"
            self._stamp = ()
            return
        stamp = stamp_of(self.run)
        if stamp == self._stamp:
            return
        found = state_of(self.run, self.run.read_manifest())
        self._state, self._reason, self._owner = found.state, found.reason, ""
        self._results, self._stamp = found.results, stamp
