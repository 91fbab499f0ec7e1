"""What state a run is in: derived from its files each time, and stored nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from experiments.errors import MISSHAPEN, RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.event_reader import last_event
from experiments.runs.events import RunEnded
from experiments.runs.lock import is_alive
from experiments.runs.model_selection import needs_test, select

State = Literal["running", "stopping", "stopped", "finished", "failed", "crashed"]
Results = Mapping[str, dict[str, Any] | None]


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
            result is not None and result["status"] == status for result in self.results.values()
        )


def state_of(run: RunDirectory, facts: Mapping[str, Any]) -> RunState:
    """The state of a run.

    Args:
        run: its directory.
        facts: what its run.json says.

    Raises:
        RunError: run.json is damaged.
    """
    alive = is_alive(run)  # before the results: nothing ends in between unnoticed
    if not alive and "search" in facts:
        facts = run.read_run()  # what it has drawn meanwhile
    results = read_results(run, facts)
    if alive:
        return RunState("stopping" if run.stop_is_asked else "running", results)
    if is_complete(results, facts) and not (facts.get("baselines") and run.lacks_baselines):
        return RunState("finished", results)
    if run.stop_is_asked:
        return RunState("stopped", results)
    last = last_event(run)
    if isinstance(last, RunEnded) and last.how == "failed":
        return RunState("failed", results, last.reason)
    return RunState("crashed", results)


def read_results(run: RunDirectory, facts: Mapping[str, Any]) -> Results:
    """The valid results of a run's trials, by their ids.

    Raises:
        RunError: run.json is damaged.
    """
    trials = facts.get("trials")
    if not isinstance(trials, dict):
        raise RunError(f"{run.path / 'run.json'} is damaged: it names no trials.")
    return {trial: _valid(run, trial) for trial in trials}


def is_complete(results: Results, facts: Mapping[str, Any]) -> bool:
    """Whether nothing is left to train or to test.

    Raises:
        RunError: a record is damaged.
    """
    if not all(results.values()):
        return False
    if "search" in facts and not facts["search"]["is_over"]:
        return False
    if facts.get("protocol") == "documented":
        return True
    try:
        for variant in facts["variants"]:
            candidates = [candidate["trials"] for candidate in variant["candidates"]]
            chosen = candidates[select(results, candidates)]
            if any(needs_test(results[trial]) for trial in chosen):
                return False
    except MISSHAPEN as error:
        raise RunError(f"the records of a run are damaged ({error!r:.80}).") from error
    return True


def _valid(run: RunDirectory, trial: str) -> dict[str, Any] | None:
    run.trial_path(trial)  # a name that leads elsewhere is no missing result
    try:
        result = run.read_result(trial)
    except RunError:
        return None
    return result if result and isinstance(result.get("status"), str) else None
