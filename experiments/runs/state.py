"""What state a run is in: derived from its files each time, and stored nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import last_event
from experiments.runs.events import RunEnded
from experiments.runs.lock import is_alive
from experiments.runs.manifest import RunManifest
from experiments.runs.model_selection import select
from experiments.runs.trial_result import TrialResult

State = Literal["running", "stopping", "stopped", "finished", "failed", "crashed"]
Results = Mapping[str, TrialResult | None]


@dataclass(frozen=True)
class RunState:
    """A run's state and what it was derived from.

    Args:
        state: "running" or "stopping" while its owner lives; "finished" when all is
            done; "failed" where its owner gave up, "stopped" where a stop was asked
            for, "crashed" where the owner died without either.
        results: of its trials; None where there is none that is valid.
        reason: of a failure.
    """

    state: State
    results: Results
    reason: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether somebody carries it out."""
        return self.state in ("running", "stopping")

    def count(self, status: str) -> int:
        """Trials that ended with a status."""
        return sum(
            result is not None and result.status == status for result in self.results.values()
        )


def state_of(run: RunDirectory, manifest: RunManifest) -> RunState:
    """The state of a run.

    Args:
        run: its directory.
        manifest: of the run.

    Raises:
        RunError: a generation of a search is damaged.
    """
    alive = is_alive(run)  # before the results: nothing ends in between unnoticed
    if not alive and manifest.search is not None:
        manifest = run.read_manifest()  # what it has drawn meanwhile
    results = read_results(run, manifest)
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


def summarise(run: RunDirectory) -> dict[str, Any]:
    """A run in one row, JSON-ready; the state of one whose records are damaged is "damaged"."""
    about: dict[str, Any] = {"run": run.name, "path": str(run.path)}
    try:
        manifest = run.read_manifest()
        state = state_of(run, manifest)
        return about | {
            "state": state.state,
            "dataset": manifest.dataset.name,
            "protocol": manifest.protocol,
            "created": manifest.created,
            "trials": len(state.results),
            "done": sum(result is not None for result in state.results.values()),
            "failed": state.count("failed"),
        }
    except RunError as error:
        nothing = {"dataset": "", "trials": 0, "done": 0, "failed": 0}
        return about | nothing | {"state": "damaged", "reason": str(error)}


def read_results(run: RunDirectory, manifest: RunManifest) -> Results:
    """The results of a run's trials, by their ids; one that is damaged counts as none."""
    results: dict[str, TrialResult | None] = {}
    for trial in manifest.trials:
        try:
            results[trial] = run.read_result(trial, len(manifest.dataset.genres))
        except RunError:
            results[trial] = None
    return results


def is_complete(results: Results, manifest: RunManifest) -> bool:
    """Whether nothing is left to train or to test."""
    if manifest.draws_on or None in results.values():
        return False
    if manifest.protocol == "documented":
        return True
    candidates = [[candidate.ids for candidate in v.candidates] for v in manifest.variants]
    chosen = (results[trial] for some in candidates for trial in some[select(results, some)])
    return not any(result is not None and result.needs_test for result in chosen)
