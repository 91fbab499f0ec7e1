"""How a run is at one moment, for programs and for any terminal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import EventReader
from experiments.runs.lock import owner_of
from experiments.runs.manifest import RunManifest
from experiments.runs.process_id import Owner
from experiments.runs.progress import RunProgress
from experiments.runs.state import RunState, state_of


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment.

    Args:
        run: its directory.
        manifest: of the run.
        state: what it is in, with its trials' results.
        owner: who carries it out, or died while doing so.
        progress: what its events tell.
        invalid_events: that were damaged or made no sense.
    """

    run: RunDirectory
    manifest: RunManifest
    state: RunState
    owner: Owner | None
    progress: RunProgress
    invalid_events: int

    @property
    def counts(self) -> dict[str, int]:
        """Trials by what they are; waiting and training are those without a result."""
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
            "owner": None if self.owner is None else asdict(self.owner),
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
    """How a run is now.

    Raises:
        RunError: its run.json is missing or damaged.
    """
    manifest = run.read_manifest()
    reader, progress = EventReader(run), RunProgress()
    state = state_of(run, manifest)
    _, entries = reader.read()
    for entry in entries:
        progress.handle(entry)
    invalid = reader.invalid_events + progress.invalid_events
    return Snapshot(run, manifest, state, owner_of(run), progress, invalid)
