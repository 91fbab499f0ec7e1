"""Records of a run as plain JSON, to be changed in ways that the program never writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.runs import checksums
from experiments.runs.directory import RunDirectory


def read(path: Path) -> dict[str, Any]:
    """What a record holds."""
    return checksums.loads(path.read_bytes())


def write(path: Path, plain: Mapping[str, Any]) -> None:
    """Write a record, with a checksum that is right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(checksums.dumps(plain))


def read_run(run: RunDirectory) -> dict[str, Any]:
    """What run.json holds."""
    return read(run.path / "run.json")


def write_run(run: RunDirectory, plain: Mapping[str, Any]) -> None:
    """Write run.json."""
    write(run.path / "run.json", plain)


def read_result(run: RunDirectory, trial: str) -> dict[str, Any]:
    """What a trial's result.json holds."""
    return read(run.trial_path(trial) / "result.json")


def write_result(run: RunDirectory, trial: str, plain: Mapping[str, Any]) -> None:
    """Write a trial's result.json."""
    write(run.trial_path(trial) / "result.json", plain)
