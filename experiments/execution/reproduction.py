"""Runs several studies one after another; those that are done are not run again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from experiments.design.request import Computing, Request
from experiments.errors import RunError
from experiments.execution.launch import resume, start
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from experiments.runs.state import state_of


@dataclass(frozen=True)
class Stage:
    """One study of a series.

    Args:
        request: what is to be run.
        found: the newest run of an equal request, or None.
        state: of that run; "" without.
    """

    request: Request
    found: RunDirectory | None
    state: str

    @property
    def is_done(self) -> bool:
        """Whether its run is finished."""
        return self.state == "finished"


def stages(requests: list[Request], runs: Path, content_sha256: str, again: bool) -> list[Stage]:
    """The runs that there are of each request.

    Args:
        requests: one a study.
        runs: the folder of all runs.
        content_sha256: of the rows.
        again: leave finished runs out, so that each is run again.
    """
    there = all_runs(runs)
    return [_stage(request, there, content_sha256, again) for request in requests]


def _stage(request: Request, there: list[RunDirectory], sha256: str, again: bool) -> Stage:
    wanted = _comparable(request)
    for run in reversed(there):
        try:
            if (
                run.path.parent.name != request.study.name
                or _comparable(run.read_request()) != wanted
            ):
                continue
            manifest = run.read_manifest()
            if manifest.dataset.content_sha256 != sha256:
                continue
            state = state_of(run, manifest).state
        except RunError:
            continue  # a damaged run does not count
        if not (again and state == "finished"):
            return Stage(request, run, state)
    return Stage(request, None, "")


def start_or_resume(stage: Stage, runs: Path) -> RunDirectory:
    """The run of a stage, which is being trained or done when this returns.

    Raises:
        DataError, RunError: it cannot be started.
    """
    if stage.found is None:
        return start(stage.request, runs)
    if stage.state not in ("finished", "running", "stopping"):
        resume(stage.found, stage.request.dataset)
    return stage.found


def _comparable(request: Request) -> dict[str, Any]:
    """What results depend on: not where the dataset's file is, nor the number of workers."""
    computing = Computing(request.computing.device, precision=request.computing.precision)
    return replace(request, dataset=Path(), computing=computing).to_dict()
