"""Looks at the folder of all runs, again and again, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from experiments.runs.lock import is_alive
from genre_tui.watch.live_summary import LiveRun
from genre_tui.watch.messages import RunsSeen
from genre_tui.watch.run_summary import RunSummary, Stamp, stamp_of, summarise
from genre_tui.watch.run_watcher import RunWatcher

_FULL_LOOK = 10.0  # seconds between two looks at runs that nobody carries out
_HALF_DONE = ("stopped", "crashed", "failed")  # their events tell more than their results
_BATCH = 0.2  # seconds after which what has been read so far is sent


class RunsWatcher:
    """Sends all runs: once, the newest first, then whenever one has changed.

    Runs that no process trains are looked at every ten seconds only, so that a folder
    of a thousand costs next to nothing.

    Args:
        runs: the folder.
        refresh: seconds between two looks.
        notify: is given the messages; called in this thread.

    Attributes:
        watched: the watcher of one of the runs, which has its summary; or None.
    """

    def __init__(self, runs: Path, refresh: float, notify: Callable[[RunsSeen], object]) -> None:
        self._runs, self._refresh, self._notify = runs, refresh, notify
        self.watched: RunWatcher | None = None
        self._known: dict[Path, tuple[Stamp, RunSummary]] = {}
        self._live: dict[Path, LiveRun] = {}
        self._folders: Stamp = ()
        self._problem = ""
        self._there: list[RunDirectory] = []
        self._asked = threading.Event()
        self._ended = self._has_sent = False
        self._thread = threading.Thread(target=self._watch, daemon=True, name="runs")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def look_now(self) -> None:
        """Look at everything at once instead of waiting."""
        self._asked.set()

    def stop(self) -> None:
        """Look no more; returns at once."""
        self._ended = True
        self._asked.set()

    def _watch(self) -> None:
        full = -_FULL_LOOK
        while not self._ended:
            everything = self._asked.is_set() or time.monotonic() - full >= _FULL_LOOK
            self._asked.clear()
            if everything:
                full = time.monotonic()
            self.look(everything)
            self._asked.wait(self._refresh)

    def look(self, everything: bool) -> None:
        """Look once.

        Args:
            everything: at all runs; else at those that are carried out, and for new ones.
        """
        problem, folders = self._folder_stamps()
        changed = (problem, folders) != (self._problem, self._folders)
        self._problem = problem
        if changed or everything:
            self._folders = folders
            there = list(reversed(all_runs(self._runs)))
            changed |= [run.path for run in there] != [run.path for run in self._there]
            self._there = there
            gone = self._known.keys() - {run.path for run in there}
            for path in gone:
                del self._known[path]
                self._live.pop(path, None)
        sent = time.monotonic()
        for run in self._there:
            if self._ended:
                return
            changed |= self._look_at(run, everything)
            if changed and time.monotonic() - sent > _BATCH:
                self._send(complete=False)
                sent = time.monotonic()
        if changed or not self._has_sent:
            self._has_sent = True
            self._send(complete=True)

    def _look_at(self, run: RunDirectory, everything: bool) -> bool:
        """Whether a run's summary has changed."""
        stamp: Stamp
        before = self._known.get(run.path)
        if before is not None and not (everything or before[1].is_alive):
            return False
        if is_alive(run):
            stamp, summary = (), self._live_summary(run)
        else:
            self._live.pop(run.path, None)
            stamp = stamp_of(run)
            if before is not None and before[0] == stamp:
                return False
            summary = summarise(run)
            if summary.state in _HALF_DONE:
                live = LiveRun(run)
                live.read()
                summary = live.last_summary()
        self._known[run.path] = stamp, summary
        return before is None or before[1] != summary

    def _live_summary(self, run: RunDirectory) -> RunSummary:
        watched = self.watched
        if watched is not None and watched.run == run and watched.summary is not None:
            self._live.pop(run.path, None)
            return watched.summary
        if run.path not in self._live:
            self._live[run.path] = LiveRun(run)
        live = self._live[run.path]
        live.read()
        return live.summary()

    def _send(self, *, complete: bool) -> None:
        summaries = [self._known[run.path][1] for run in self._there if run.path in self._known]
        self._notify(RunsSeen(tuple(summaries), complete, self._problem))

    def _folder_stamps(self) -> tuple[str, Stamp]:
        """Why there are no runs, and what changes when one comes or goes."""
        try:
            found = [(path.name, path.stat().st_mtime_ns) for path in self._runs.iterdir()]
        except FileNotFoundError:  # no run has been started yet, unless the folder was there
            return f"{self._runs.absolute()} is gone." if self._folders or self._problem else "", ()
        except OSError as error:
            return f"{self._runs.absolute()} cannot be read: {error.strerror}.", ()
        return "", tuple(sorted(found))
