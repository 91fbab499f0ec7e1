"""Follows one run's events, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from data.terminal import clean
from experiments.errors import RunError
from experiments.event_reader import EventReader
from experiments.ownership import is_alive, owner_of
from experiments.records import RunDirectory
from experiments.state import State, state_of
from genre_tui.messages import RunTold

_AT_ONCE = 500  # events in a message, so that keys are answered in between
_REST = 0.01  # seconds between two such messages
_IDLE_LOOK = 5.0  # seconds between two looks at the state of a run that nobody carries out


class RunWatcher:
    """Tells what is new of a run, from its first event on.

    Args:
        run: may be read-only, vanish, and come back.
        refresh: seconds between two looks.
        tell: is given the messages; called in this thread.
    """

    def __init__(
        self, run: RunDirectory, refresh: float, tell: Callable[[RunTold], object]
    ) -> None:
        self.run = run
        self._refresh, self._tell = refresh, tell
        self._reader = EventReader(run)
        self._state: State | None = None
        self._reason = self._owner = ""
        self._looked = 0.0
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
        """Look once, and tell what is new."""
        try:
            before = self._state, self._reason, self._owner
            self._look_at_state()
            anew, events = self._reader.read()
        except (RunError, OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            self._state = None
            self._tell(RunTold(self.run, False, (), None, "", "", clean(str(error))))
            return
        changed = first or anew or (self._state, self._reason, self._owner) != before
        if events or changed:
            self._say(anew, events)

    def _say(self, anew: bool, events: list[dict[str, Any]]) -> None:
        for begin in range(0, max(len(events), 1), _AT_ONCE):
            part = tuple(events[begin : begin + _AT_ONCE])
            forget = anew and begin == 0
            about = (self._state, self._owner, self._reason, "")
            self._tell(RunTold(self.run, forget, part, *about))
            if begin + _AT_ONCE < len(events):
                time.sleep(_REST)
            if self._ended.is_set():
                return

    def _look_at_state(self) -> None:
        """What state the run is in; its results are read when nobody carries it out only."""
        if is_alive(self.run):
            owner = owner_of(self.run)
            self._owner, self._reason = clean(str(owner)) if owner else "", ""
            self._state = "stopping" if self.run.stop_is_asked else "running"
            return
        if self._owner or self._state is None or time.monotonic() - self._looked > _IDLE_LOOK:
            self._looked = time.monotonic()
            found = state_of(self.run, self.run.read_run())
            self._state, self._reason, self._owner = found.state, clean(found.reason), ""
