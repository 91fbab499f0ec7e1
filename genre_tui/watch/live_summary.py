"""A run that goes on in one line, kept up to date from its events."""

from __future__ import annotations

from dataclasses import replace

from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.events import LogEntry
from experiments.runs.lock import owner_of
from experiments.runs.progress import SCORE, RunProgress
from genre_tui.watch.run_summary import RowState, RunSummary, summarise, thinned


class LiveRun:
    """Follows a run that goes on: its results are read once, then its events only.

    Args:
        run: its directory.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._reader = EventReader(run)
        self._base: RunSummary
        self._progress: RunProgress
        self._begin()

    def read(self) -> tuple[bool, list[LogEntry]]:
        """Read new events; they are what `EventReader.read` gives."""
        anew, entries = self._reader.read()
        if anew:
            self._begin()
        for entry in entries:
            self._progress.handle(entry)
        return anew, entries

    def summary(self) -> RunSummary:
        """How it is by the events that were read, while a process trains it."""
        line = self.last_summary()
        if line.state == "damaged":
            return line
        owner = owner_of(self._run)
        state: RowState = "stopping" if self._run.stop_is_asked else "running"
        return replace(line, state=state, reason="", host=owner.host if owner else "")

    def last_summary(self) -> RunSummary:
        """What its records and the events that were read say."""
        if self._base.state == "damaged":
            self._base = summarise(self._run)
            return self._base
        base, progress = self._base, self._progress
        trials = max(base.trials, len(progress.trials))
        done = min(max(progress.ended, base.done), trials)
        best, curve, step = base.best, base.curve, base.step
        for trial in progress.trials.values():
            if trial.status in ("diverged", "failed"):
                continue
            score = trial.best[1] if trial.best else None
            if trial.validation is not None:
                score = max(trial.validation.macro_f1, score or 0.0)
            if score is not None and (best is None or score > best):
                best, (curve, step) = score, thinned(trial.metrics.get(SCORE, []))
        return replace(
            base,
            done=done,
            trials=trials,
            share=progress.share or done / max(trials, 1),
            best=best,
            curve=curve,
            step=step,
        )

    def _begin(self) -> None:
        self._base = summarise(self._run)
        self._progress = RunProgress(history=(SCORE,))
