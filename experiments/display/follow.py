"""Follows a run until it ends: shows its progress and handles Ctrl-C."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from data.terminal.commands import echo
from data.terminal.progress import ProgressBar
from experiments.display.result_tables import epoch_line, trial_line
from experiments.errors import RunError
from experiments.execution.stopping import end_now
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.events import (
    CohortBegan,
    Continued,
    EpochEnded,
    Event,
    LogEntry,
    Note,
    Paused,
    RunBegan,
    Stopping,
    TrialEnded,
    WorkerDied,
)
from experiments.runs.lock import is_alive
from experiments.runs.log_summary import open_log
from experiments.runs.progress import RunProgress
from experiments.runs.state import RunState, state_of

_POLL = 0.1  # seconds
_AT_ONCE = 5000  # events that are in memory
_MOST_SHOWN = 5000  # events before those that come, since the run process began


def watch(run: RunDirectory, handle: Callable[[LogEntry], None] | None = None) -> None:
    """Show a run until its process ends.

    Args:
        run: may be read-only.
        handle: called with each event instead, from the first on.
    """
    if handle is not None:
        for _, entries in _batches(run, EventReader(run)):
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
                    end_now(run)
                    return True
                try:
                    answer = ask(run)
                except KeyboardInterrupt:
                    end_now(run)
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
        f"the process of {run.name} has died; {run.console} has its last output. What is done is "
        f"kept. {resuming}"
    )


def _show(run: RunDirectory, bar: ProgressBar, *, since_begin: bool) -> None:
    """Show progress until the end; earlier events only count towards it."""
    display = _ProgressDisplay(bar)
    reader, (progress,) = open_log(run, ())
    recent: deque[LogEntry] = deque()
    for entry in reader.entries():
        while recent and (isinstance(entry.event, RunBegan) or len(recent) >= _MOST_SHOWN):
            progress.handle(recent.popleft())
        if since_begin:
            recent.append(entry)
        else:
            progress.handle(entry)
    display.advance(progress)
    for entry in recent:
        progress.handle(entry)
        display.show(entry.event, progress)
    for anew, entries in _batches(run, reader):
        if anew:
            progress = RunProgress()
        for entry in entries:
            progress.handle(entry)
            display.show(entry.event, progress)


def _batches(run: RunDirectory, reader: EventReader) -> Iterator[tuple[bool, list[LogEntry]]]:
    """New events, as they come, until the run process has gone and all are read."""
    while True:
        alive = is_alive(run)  # before reading, so that its last events are read
        while True:
            anew, entries = reader.read(_AT_ONCE)
            yield anew, entries
            if len(entries) < _AT_ONCE:
                break
        if not alive:
            return
        time.sleep(_POLL)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, as Ctrl-C does."""

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


class _ProgressDisplay:
    """Shows events as they come: a bar, of a total of 1, on a terminal, plain lines elsewhere."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        self._share = 0.0

    def show(self, event: Event, progress: RunProgress) -> None:
        """Show an event that `progress` has handled."""
        match event:
            case CohortBegan(trials=names, epoch=epoch):
                trials = [progress.trials[name] for name in names if name in progress.trials]
                variants = ", ".join(dict.fromkeys(trial.variant for trial in trials))
                many = len(trials)
                together = variants if many == 1 else f"{many} in lockstep ({variants})"
                self._bar.note(f"{_so_far(progress)}, {together}, epoch {epoch + 1} begins")
            case EpochEnded(trial=name) if name in progress.trials:
                trial = progress.trials[name]
                about = f"{trial.variant} {trial.replicate}, epoch {trial.epoch}/{trial.epochs}"
                self.advance(progress, 1, f"{_so_far(progress)}, {about}, {epoch_line(trial.logs)}")
            case TrialEnded(trial=name):
                self.advance(progress)
                self._bar.print(trial_line(event, progress.trials[name].fold))
            case Note(text=text):
                self._bar.print(text)
            case WorkerDied(reason=reason, attempt=attempt):
                self._bar.print(f"{reason} (attempt {attempt})")
            case Paused(reason=reason):
                self._bar.print(f"Paused: {reason} The run goes on when there is room.")
            case Continued():
                self._bar.print("There is room again: the run goes on.")
            case Stopping():
                self._bar.print("Stopping at the end of the epoch.")

    def advance(self, progress: RunProgress, count: int = 0, note: str = "") -> None:
        """Move the bar to the progress of a run, by `count` epochs."""
        new = max(progress.share - self._share, 0)
        left = math.nan if progress.seconds_left is None else progress.seconds_left
        self._bar.advance(new, count, note, left=left)
        self._share = max(progress.share, self._share)


def _so_far(progress: RunProgress) -> str:
    return f"{progress.ended}/{len(progress.trials)} trials ended"
