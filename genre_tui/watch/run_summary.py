"""A run in one line: read from its files, or kept up to date from its events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.epoch_history import SCORE
from experiments.runs.events import LogEntry
from experiments.runs.lock import lock_holder
from experiments.runs.log_summary import open_log
from experiments.runs.progress import RunProgress
from experiments.runs.state import State, state_of
from experiments.runs.trial_result import TrialResult

RowState = State | Literal["damaged"]
Curve = tuple[tuple[float, ...], int]  # values, and epochs from one to the next
_AT_ONCE = 5000  # events that are in memory
_MOST_POINTS = 60  # of a sparkline


@dataclass(frozen=True)
class RunSummary:
    """A run in one line.

    Args:
        state: "damaged" where the run cannot be read.
        reason: of a failure, or of the damage.
        done, trials: number of trials that have ended, and of all.
        share: of the work that is done, between 0 and 1.
        best: highest validation macro-F1 of any trial after any epoch, between 0 and 1, or
            None. Trials that failed or diverged do not count.
        curve: validation macro-F1 of that trial, epoch by epoch.
        created: UTC, as in the run's name.
        host: where a process trains it, or "".
        step: epochs from a point of the curve to the next.
    """

    run: RunDirectory
    study: str
    protocol: str
    dataset: str
    state: RowState
    reason: str = ""
    done: int = 0
    trials: int = 0
    share: float = 0.0
    best: float | None = None
    curve: tuple[float, ...] = ()
    created: str = ""
    host: str = ""
    step: int = 1

    @property
    def is_alive(self) -> bool:
        """Whether a process trains it."""
        return self.state in ("running", "stopping")


def summarise(run: RunDirectory) -> RunSummary:
    """Read a run that no process trains; a damaged one gets a summary with the reason."""
    study, created = run.path.parent.name, run.path.name.partition("-")[0]
    try:
        manifest = run.read_manifest()
        state = state_of(run, manifest, histories=True)
    except (OSError, RunError) as error:
        return RunSummary(run, study, "", "", "damaged", str(error), created=created)
    ended = [result for result in state.results.values() if result is not None]
    best, (curve, step) = _best(ended)
    return RunSummary(
        run,
        study,
        manifest.protocol,
        manifest.dataset.name,
        state.state,
        state.reason,
        len(ended),
        len(state.results),
        1.0 if state.state == "finished" else len(ended) / max(len(state.results), 1),
        best,
        curve,
        created,
        step=step,
    )


def _best(results: Iterable[TrialResult]) -> tuple[float | None, Curve]:
    """The highest validation macro-F1 after any epoch of a finished trial, and its curve."""
    best: float | None = None
    curve: Sequence[float | None] = ()
    for result in (result for result in results if result.is_finished):
        values = result.history.get(SCORE, [])
        score = max([result.score, *(value for value in values if value is not None)])
        if best is None or score > best:
            best, curve = score, values
    return best, _thinned(curve)


def _thinned(curve: Sequence[float | None]) -> Curve:
    """At most so many points of a curve as a sparkline has."""
    known = [value for value in curve if value is not None]
    step = max(1, -(-len(known) // _MOST_POINTS))
    return tuple(known[::step]), step


class LiveRun:
    """Follows a run: its results are read once, then its events only, from the log's summary on.

    Args:
        run: its directory.
        base: its summary by its results, where that is known.

    Attributes:
        begun: where all history is asked for, the state that the events go on from.
    """

    def __init__(
        self, run: RunDirectory, base: RunSummary | None = None, *, all_history: bool = False
    ) -> None:
        self._run, self._base = run, base
        histories = [(SCORE,), None] if all_history else [(SCORE,)]
        self._reader, (self._progress, *self.begun) = open_log(run, *histories)

    def read(self, most: int) -> tuple[bool, list[LogEntry]]:
        """Read new events; takes and returns what `EventReader.read` does."""
        anew, entries = self._reader.read(most)
        if anew:
            self._base, self._progress = None, RunProgress(history=(SCORE,))
        for entry in entries:
            self._progress.handle(entry)
        return anew, entries

    def catch_up(self) -> None:
        """Read all new events."""
        while len(self.read(_AT_ONCE)[1]) == _AT_ONCE:
            pass

    def summary(self) -> RunSummary:
        """The summary of a run that a process trains."""
        line = self.last_summary()
        if line.state == "damaged":
            return line
        owner = lock_holder(self._run)
        state: RowState = "stopping" if self._run.stop_is_asked else "running"
        return replace(line, state=state, reason="", host=owner.host if owner else "")

    def last_summary(self) -> RunSummary:
        """The summary by the records and the events read so far."""
        if self._base is None or self._base.state == "damaged":
            self._base = summarise(self._run)
        base, progress = self._base, self._progress
        if base.state == "damaged":
            return base
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
                kept = range(1, trial.length + 1, trial.history.step)
                curve, step = _thinned([trial.history.at(epoch, SCORE) for epoch in kept])
                best, step = score, step * kept.step
        share = progress.share or done / max(trials, 1)
        return replace(
            base, done=done, trials=trials, share=share, best=best, curve=curve, step=step
        )
