"""Shows a run's progress until it ends, and what Ctrl-C does to it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from data.terminal.commands import echo
from data.terminal.progress import ProgressBar
from experiments.display.progress import ProgressDisplay
from experiments.errors import RunError
from experiments.execution.launch import await_end, end_now
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.events import LogEntry, RunBegan
from experiments.runs.lock import is_alive
from experiments.runs.progress import RunProgress
from experiments.runs.state import RunState, state_of

_LOOK = 0.1  # seconds between two looks
_TO_DIE = 10.0  # seconds that processes have which were killed


def watch(run: RunDirectory, handle: Callable[[LogEntry], None] | None = None) -> None:
    """Show a run until its process ends.

    Args:
        run: may be read-only.
        handle: called with each event instead, from the first on.
    """
    if handle is not None:
        for _, entries in _batches(run):
            for entry in entries:
                handle(entry)
        return
    with ProgressBar(run.path.parent.name, 1.0, "epochs", stderr=False) as bar:
        _show(run, bar, since_begin=False)


def follow(run: RunDirectory, ask: Callable[[RunDirectory], str] = lambda run: "s") -> bool:
    """Show the progress of a run that this process has started until it ends.

    Args:
        run: that goes on, whatever becomes of this process.
        ask: called at Ctrl-C: "d" leaves the run alone, "s" stops it at the end of the
            epoch, "w" goes on watching. Ctrl-C while it asks, or afterwards, ends the run at once.

    Returns:
        False where the run was left while it goes on.
    """
    asked = False
    with _terminated_as_interrupted():
        while True:
            try:
                with ProgressBar(run.path.parent.name, 1.0, "epochs") as bar:
                    _show(run, bar, since_begin=True)
            except KeyboardInterrupt:
                if asked:
                    _end(run)
                    return True
                try:
                    answer = ask(run)
                except KeyboardInterrupt:
                    _end(run)
                    return True
                if answer == "d":
                    return False
                if answer == "s":
                    asked = True
                    run.ask_to_stop()
                    echo("Stopping; Ctrl-C again ends it at once.", err=True)
            else:
                return True


def check_end(run: RunDirectory, resuming: str) -> RunState:
    """The state of a run that has ended, "finished" or "stopped".

    Args:
        run: whose process has gone.
        resuming: a sentence with how it goes on.

    Raises:
        RunError: it failed or crashed.
    """
    state = state_of(run, run.read_manifest())
    if state.state in ("finished", "stopped"):
        return state
    if state.state == "failed":
        raise RunError(f"{state.reason} What is done is kept. {resuming}")
    raise RunError(
        f"the process that carried {run.name} out has died; {run.console} has its last words. "
        f"What is done is kept. {resuming}"
    )


def _show(run: RunDirectory, bar: ProgressBar, *, since_begin: bool) -> None:
    """Show progress until the end; what happened before is not shown event by event."""
    progress, display = RunProgress(), ProgressDisplay(bar)
    first = True
    for anew, entries in _batches(run):
        if anew:
            progress = RunProgress()
        begins = [i for i, entry in enumerate(entries) if isinstance(entry.event, RunBegan)]
        silent = (begins[-1] if since_begin and begins else len(entries)) if first else 0
        for entry in entries[:silent]:
            progress.handle(entry)
        if first or anew:
            display.begin(progress)
        for entry in entries[silent:]:
            progress.handle(entry)
            display.show(entry.event, progress)
        first = False


def _batches(run: RunDirectory) -> Iterator[tuple[bool, list[LogEntry]]]:
    """New events, as they come, until the run process has gone and all are read."""
    reader = EventReader(run)
    while True:
        alive = is_alive(run)  # before reading: what comes after its end is read, too
        yield reader.read()
        if not alive:
            return
        time.sleep(_LOOK)


def _end(run: RunDirectory) -> None:
    end_now(run)
    await_end(run, _TO_DIE)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does where nobody can be asked."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can be signalled
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
