"""Runs in progress, as their files show it: this process holds their lock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.runs.directory import RunDirectory
from experiments.runs.event_log import EventLog
from experiments.runs.lock import hold_run_lock
from tests.support.raw_events import raw
from tests.support.recorded_runs import record

NAME = "20260103T000000Z-live00"


class EventWriter:
    """Writes a run's events.

    Args:
        run: whose lock this process holds, or nobody.
    """

    def __init__(self, run: RunDirectory) -> None:
        self.run, self.manifest = run, run.read_manifest()
        self.trials: list[str] = list(self.manifest.trials)
        self._log = EventLog(run)

    def write(self, event: str, **about: Any) -> None:
        """Any event."""
        self._log.append(*raw({"event": event, **about}))

    def begin(self, pid: int = 7) -> None:
        """The run begins, with all trials in one cohort."""
        plan = [
            {"id": trial.id, "variant": variant, "seed": trial.seed, "work": 1}
            | {"epochs": trial.training.epochs}
            for variant, trial in self.manifest.plan.trials
        ]
        self.write("run_began", trials=len(plan), done=0, owner={}, resumed=False, versions={})
        self.write("plan", workers=1, cohorts=[{"id": "c0", "trials": plan}])
        self.write("cohort_began", cohort="c0", trials=self.trials, epoch=0, pid=pid)

    def epoch(
        self, trial: str, number: int, f1: float = 0.5, share: float = 0.1, **about: Any
    ) -> None:
        """An epoch of a trial has ended."""
        logs = {"loss": 1 - f1, "val_loss": 1.1 - f1, "accuracy": f1 + 0.1}
        logs |= {"val_accuracy": f1, "val_macro_f1": f1, "learning_rate": 0.01}
        shared = {"cohort": "c0", "seconds": 2.0, "rows_per_second": 1000.0, "memory": 5 * 10**8}
        self.write(
            "epoch",
            trial=trial,
            epoch=number,
            share=share,
            seconds_left=90.0,
            **shared,
            **{"logs": logs, "confusion": [[5, 1, 0], [1, 4, 1], [0, 2, 4]], **about},
        )

    def end(self, trial: str, status: str = "finished", f1: float = 0.5, **about: Any) -> None:
        """A trial has ended."""
        reported = {"variant": "", "seed": 42, "learning_rate": 0.01, "share": 0.5}
        figures = {"accuracy": f1, "macro_f1": f1}
        self.write("trial", trial=trial, status=status, **reported, validation=figures, **about)


def without_results(run: RunDirectory, trials: Sequence[str] | None = None) -> None:
    """As if some trials, or all, had not ended."""
    for trial in trials if trials is not None else run.read_manifest().trials:
        run.discard_result(trial)


@contextmanager
def live_run(runs: Path, **about: Any) -> Iterator[EventWriter]:
    """A run that this process holds the lock of, of which nothing has been trained."""
    run = record(runs, **{"name": NAME, "baselines": (), **about})
    without_results(run)
    with hold_run_lock(run, print):
        yield EventWriter(run)
