"""Several studies one after another: what is done is not done again."""

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
        found: the newest run that was asked for in the same way, or None.
        state: of that run; "" without.
    """

    request: Request
    found: RunDirectory | None
    state: str

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of it."""
        return self.state == "finished"


def stages(requests: list[Request], runs: Path, content_sha256: str, anew: bool) -> list[Stage]:
    """What there is already of each study.

    Args:
        requests: one a study.
        runs: the folder of all runs.
        content_sha256: of the rows.
        anew: leave finished runs out, so that each is run again.
    """
    there = all_runs(runs)
    return [_stage(request, there, content_sha256, anew) for request in requests]


def _stage(request: Request, there: list[RunDirectory], sha256: str, anew: bool) -> Stage:
    wanted = _asked(request)
    for run in reversed(there):
        try:
            if run.path.parent.name != request.study.name or _asked(run.read_request()) != wanted:
                continue
            manifest = run.read_manifest()
            if manifest.dataset.content_sha256 != sha256:
                continue
            state = state_of(run, manifest).state
        except RunError:
            continue  # a damaged run is nobody's result
        if not (anew and state == "finished"):
            return Stage(request, run, state)
    return Stage(request, None, "")


def start_or_resume(stage: Stage, runs: Path) -> RunDirectory:
    """The run of a stage, which goes on or is done when this returns.

    Raises:
        DataError, RunError: it cannot be started.
    """
    if stage.found is None:
        return start(stage.request, runs)
    if stage.state not in ("finished", "running", "stopping"):
        resume(stage.found, stage.request.dataset)
    return stage.found


def _asked(request: Request) -> dict[str, Any]:
    """What the results depend on: not where the dataset's file is, nor how many workers."""
    computing = Computing(request.computing.device, precision=request.computing.precision)
    return replace(request, dataset=Path(), computing=computing).to_dict()
