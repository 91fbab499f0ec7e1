"""What state a run is in, derived from its files each time and stored nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from experiments.design.plan import PlannedVariant, by_fold
from experiments.design.trial import Trial
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import last_event
from experiments.runs.events import RunEnded
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.log_summary import open_log
from experiments.runs.manifest import RunManifest
from experiments.runs.process_id import ProcessId
from experiments.runs.progress import RunProgress
from experiments.runs.trial_result import TrialResult, select

State = Literal["running", "stopping", "stopped", "finished", "failed", "crashed"]
Results = Mapping[str, TrialResult | None]


@dataclass(frozen=True)
class RunState:
    """A run's state and what it was derived from.

    Args:
        state: "running" or "stopping" while its process lives; "finished" when all is
            done; "failed" where its process gave up, "stopped" where a stop was
            requested, "crashed" where the process died without either.
        results: of its trials, without their histories unless these were asked for; None
            where there is none that is valid.
        reason: of a failure.
    """

    state: State
    results: Results
    reason: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether its process lives."""
        return self.state in ("running", "stopping")

    def count(self, status: str) -> int:
        """Trials that ended with a status."""
        return sum(
            result is not None and result.status == status for result in self.results.values()
        )


def state_of(run: RunDirectory, manifest: RunManifest, *, histories: bool = False) -> RunState:
    """The state of a run.

    Args:
        histories: whether to keep those of the results, which may take much memory.

    Raises:
        RunError: the journal of a search is damaged.
    """
    alive = is_alive(run)  # before the results: nothing ends in between unnoticed
    if not alive and manifest.search is not None:
        manifest = run.read_manifest()  # with all that was drawn meanwhile
    results = read_results(run, manifest, histories=histories)
    if alive:
        return RunState("stopping" if run.stop_is_asked else "running", results)
    if is_complete(results, manifest) and not (manifest.baselines and run.lacks_baselines):
        return RunState("finished", results)
    if run.stop_is_asked:
        return RunState("stopped", results)
    last = last_event(run)
    if isinstance(last, RunEnded) and last.how == "failed":
        return RunState("failed", results, last.reason)
    return RunState("crashed", results)


def read_results(run: RunDirectory, manifest: RunManifest, *, histories: bool = True) -> Results:
    """The results of a run's trials, by their ids; one that is damaged counts as none."""
    results: dict[str, TrialResult | None] = {}
    for trial in manifest.trials:
        try:
            result = run.read_result(trial, len(manifest.dataset.genres))
        except RunError:
            result = None
        if result is not None and not histories:
            result = replace(result, history={}, epoch_seconds=())
        results[trial] = result
    return results


def is_complete(results: Results, manifest: RunManifest) -> bool:
    """Whether nothing is left to train or to test."""
    if manifest.draws_on or None in results.values():
        return False
    return manifest.protocol == "documented" or not untested(results, manifest.plan.variants)


def untested(results: Results, variants: Iterable[PlannedVariant]) -> dict[str, Trial]:
    """Trials, by their ids, that validation selects and whose test rows are not evaluated yet."""
    found = {}
    for variant in variants:
        for candidates in by_fold(variant.candidates):
            number = select(results, [candidate.ids for candidate in candidates])
            for trial in candidates[number].trials:
                result = results[trial.id]
                if result is not None and result.needs_test:
                    found[trial.id] = trial
    return found


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Args:
        run: its directory.
        manifest: of the run.
        state: with its trials' results.
        holder: the process that trains it, or died while doing so.
        progress: reduced from its events.
        invalid_events: that were damaged or not valid.
    """

    run: RunDirectory
    manifest: RunManifest
    state: RunState
    holder: ProcessId | None
    progress: RunProgress
    invalid_events: int

    @property
    def counts(self) -> dict[str, int]:
        """Trials by status; waiting and training are those without a result."""
        done = {name: self.state.count(name) for name in ("finished", "diverged", "failed")}
        left = len(self.state.results) - sum(done.values())
        training = len(self.progress.training) if self.state.is_alive else 0
        training = min(training, left)
        return {"trials": len(self.state.results), **done} | {
            "training": training,
            "waiting": left - training,
        }

    @property
    def share(self) -> float:
        """Of the work that is done, between 0 and 1."""
        return 1.0 if self.state.state == "finished" else self.progress.share

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, apart from numbers that are not finite."""
        progress, alive = self.progress, self.state.is_alive
        return {
            "run": self.run.name,
            "path": str(self.run.path),
            "study": self.manifest.study,
            "protocol": self.manifest.protocol,
            "dataset": self.manifest.dataset.name,
            "state": self.state.state,
            "reason": self.state.reason,
            "owner": None if self.holder is None else asdict(self.holder),
            **self.counts,
            "share": self.share,
            "seconds_left": progress.seconds_left if alive else None,
            "paused": progress.paused if alive else "",
            "workers": progress.planned_workers,
            "worker_deaths": progress.deaths,
            "rows_per_second": progress.last_worker.rows_per_second,
            "memory": progress.last_worker.memory,
            "time": progress.time,
            "epoch_events": progress.epoch_events,
            "damaged_events": self.invalid_events,
            "notes": list(progress.notes),
            "in_training": [trial.to_dict() for trial in progress.training] if alive else [],
        }


def snapshot(run: RunDirectory) -> Snapshot:
    """A run as it is now.

    Raises:
        RunError: its run.json is missing or damaged.
    """
    manifest = run.read_manifest()
    state = state_of(run, manifest)
    reader, (progress,) = open_log(run, ())
    for entry in reader.entries():
        progress.handle(entry)
    invalid = reader.invalid_events + progress.invalid_events
    return Snapshot(run, manifest, state, lock_holder(run), progress, invalid)
