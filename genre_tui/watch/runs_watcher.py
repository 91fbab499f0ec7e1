"""Follows the folder of all runs, in a thread."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from experiments.runs.lock import is_alive
from experiments.runs.summaries import stamp_of
from genre_tui.watch.messages import RunsListed
from genre_tui.watch.poller import Poller
from genre_tui.watch.run_summary import LiveRun, RunSummary, summarise
from genre_tui.watch.run_watcher import RunWatcher

_FULL_INTERVAL = 10.0  # seconds between two reads of runs that no process trains
_HALF_DONE = ("stopped", "crashed", "failed")  # their events have more than their results
_BATCH = 0.2  # seconds after which what has been read so far is sent


class RunsWatcher(Poller):
    """Sends all runs: once, the newest first, then whenever one has changed.

    Runs that no process trains are read every ten seconds only, so that a folder of a thousand
    costs next to nothing. `notify` is called in the thread with each message.

    Attributes:
        watched: the watcher of one of the runs, which has its summary; or None.
    """

    def __init__(self, runs: Path, refresh: float, notify: Callable[[RunsListed], object]) -> None:
        super().__init__("runs", refresh)
        self._runs, self._notify = runs, notify
        self.watched: RunWatcher | None = None
        self._known: dict[Path, tuple[str, RunSummary]] = {}
        self._live: dict[Path, LiveRun] = {}
        self._folders: tuple[object, ...] = ()
        self._problem = ""
        self._there: list[RunDirectory] = []
        self._last_full = -_FULL_INTERVAL
        self._has_sent = False

    def read_now(self) -> None:
        """Read all runs at once instead of waiting."""
        self._woken.set()

    def poll(self) -> None:
        """Read what may have changed."""
        full = self._woken.is_set() or time.monotonic() - self._last_full >= _FULL_INTERVAL
        self._woken.clear()
        if full:
            self._last_full = time.monotonic()
        self.read(full=full)

    def read(self, *, full: bool) -> None:
        """Read all runs, or if not `full` new ones and those that a process trains."""
        problem, folders = self._folder_stamps()
        changed = (problem, folders) != (self._problem, self._folders)
        self._problem = problem
        if changed or full:
            self._folders = folders
            there = list(reversed(all_runs(self._runs)))
            changed |= [run.path for run in there] != [run.path for run in self._there]
            self._there = there
            for path in self._known.keys() - {run.path for run in there}:
                del self._known[path]
                self._live.pop(path, None)
        sent = time.monotonic()
        for run in self._there:
            if self._has_ended:
                return
            changed |= self._read(run, full)
            if changed and time.monotonic() - sent > _BATCH:
                self._send(complete=False)
                sent = time.monotonic()
        if changed or not self._has_sent:
            self._has_sent = True
            self._send(complete=True)

    def _read(self, run: RunDirectory, full: bool) -> bool:
        """Read a run; returns whether its summary has changed."""
        before = self._known.get(run.path)
        if before is not None and not (full or before[1].is_alive):
            return False
        if is_alive(run):
            stamp, summary = "", self._live_summary(run)
        else:
            self._live.pop(run.path, None)
            stamp = stamp_of(run)
            if before is not None and before[0] == stamp:
                return False
            summary = summarise(run)
            if summary.state in _HALF_DONE:
                live = LiveRun(run, summary)
                live.catch_up()
                summary = live.last_summary()
        self._known[run.path] = stamp, summary
        return before is None or before[1] != summary

    def _live_summary(self, run: RunDirectory) -> RunSummary:
        watched = self.watched
        if watched is not None and watched.run == run and watched.summary is not None:
            self._live.pop(run.path, None)
            return watched.summary
        live = self._live.get(run.path) or self._live.setdefault(run.path, LiveRun(run))
        live.catch_up()
        return live.summary()

    def _send(self, *, complete: bool) -> None:
        summaries = [self._known[run.path][1] for run in self._there if run.path in self._known]
        self._notify(RunsListed(tuple(summaries), complete, self._problem))

    def _folder_stamps(self) -> tuple[str, tuple[object, ...]]:
        """Why there are no runs, and a value that changes when one is added or removed."""
        try:
            paths = list(self._runs.iterdir())
            found = [(path.name, path.stat().st_mtime_ns) for path in paths]
        except FileNotFoundError:  # no run has been started yet, unless the folder was there
            return f"{self._runs.absolute()} is gone." if self._folders or self._problem else "", ()
        except OSError as error:
            return f"{self._runs.absolute()} cannot be read: {error.strerror}.", ()
        if paths and not any(os.access(path, os.R_OK | os.X_OK) for path in paths):
            return f"{paths[0].absolute()} cannot be read: {os.strerror(errno.EACCES)}.", ()
        return "", tuple(sorted(found))
