"""A run in one line, read from its files; and when it has to be read again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.state import State, state_of
from experiments.runs.trial_result import TrialResult

RowState = State | Literal["damaged"]
_MOST_POINTS = 60  # of a sparkline

Stamp = tuple[object, ...]


@dataclass(frozen=True)
class RunSummary:
    """A run in one line.

    Args:
        run: its directory.
        study, protocol, dataset: what it was to answer, how, on what.
        state: of the run; "damaged" where it cannot be read.
        reason: of a failure, or of the damage.
        done, trials: that have ended, and that there are.
        share: of the work that is done, between 0 and 1.
        best: highest validation macro-F1 of any trial after any epoch, between 0 and 1, or
            None. Trials that failed or diverged do not count.
        curve: validation macro-F1 of that trial, epoch by epoch.
        created: UTC, as in the run's name; "" where that is not known.
        host: where it is carried out; "" where nobody does.
        step: epochs from a point of the curve to the next.
    """

    run: RunDirectory
    study: str
    protocol: str
    dataset: str
    state: RowState
    reason: str
    done: int
    trials: int
    share: float
    best: float | None
    curve: tuple[float, ...]
    created: str
    host: str
    step: int = 1

    @property
    def is_alive(self) -> bool:
        """Whether somebody carries it out."""
        return self.state in ("running", "stopping")


def summarise(run: RunDirectory) -> RunSummary:
    """A run that nobody carries out in one line; what is damaged is a line that says so."""
    study, created = run.path.parent.name, run.path.name.partition("-")[0]
    try:
        manifest = run.read_manifest()
        state = state_of(run, manifest)
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
            "",
            step,
        )
    except (OSError, RunError) as error:
        reason = str(error)
        nothing = (0, 0, 0.0, None, (), created, "")
        return RunSummary(run, study, "", "", "damaged", reason, *nothing)


def stamp_of(run: RunDirectory) -> Stamp:
    """Changes whenever a run's summary may have changed; cheap to ask for."""
    marks: list[object] = []
    for name in ("run.json", "lock", "control", "trials", "events", "baselines"):
        try:
            found = os.stat(run.path / name)
            marks.append((found.st_mtime_ns if name != "lock" else 0, found.st_size))
        except OSError:
            marks.append(None)
    return tuple(marks)


def thinned(curve: Sequence[float | None]) -> tuple[tuple[float, ...], int]:
    """A curve as a sparkline needs it, and how many epochs each of its points stands for."""
    known = [float(value) for value in curve if value is not None]
    step = max(1, -(-len(known) // _MOST_POINTS))
    return tuple(known[::step]), step


def _best(results: list[TrialResult]) -> tuple[float | None, tuple[tuple[float, ...], int]]:
    """The highest validation macro-F1 after any epoch of those that finished, and its curve."""
    curves = [
        (result.score, result.history.get("val_macro_f1", []))
        for result in results
        if result.is_finished
    ]
    best = [max([kept, *(value for value in curve if value is not None)]) for kept, curve in curves]
    if not best:
        return None, ((), 1)
    score = max(best)
    return score, thinned(curves[best.index(score)][1])
