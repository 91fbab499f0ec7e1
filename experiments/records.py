"""A run's directory: what is in it, how it is written and read back.

runs/<study>/<utc>-<id>/
  run.json                   what was to be done, with what, on what; written once
  trials/<id>/result.json    the commit of a finished trial
  trials/<id>/model.keras    its network
  trials/<id>/predictions.h5 its probabilities on the test rows
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.files import commit, writing
from experiments.errors import RunError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SCHEMA_VERSION = 1
LATEST = "latest"
_LARGEST_JSON = 64 * 2**20  # bytes; a result of a thousand epochs has about 0.2 MB


@dataclass(frozen=True)
class RunDirectory:
    """One run's files. `path` is runs/<study>/<utc>-<id>."""

    path: Path

    @property
    def name(self) -> str:
        """<study>/<utc>-<id>."""
        return f"{self.path.parent.name}/{self.path.name}"

    def write_run(self, facts: Mapping[str, Any]) -> None:
        """Write run.json.

        Raises:
            DataError: the disk is full or the folder cannot be written.
        """
        _write_json(self.path / "run.json", {"schema_version": SCHEMA_VERSION, **facts})

    def read_run(self) -> dict[str, Any]:
        """What run.json says.

        Raises:
            RunError: it is missing, damaged or of a newer schema.
        """
        facts = _read_json(self.path / "run.json")
        version = facts.get("schema_version")
        if version != SCHEMA_VERSION:
            raise RunError(
                f"{self.path / 'run.json'} has schema version {version!r}; this program knows "
                f"{SCHEMA_VERSION}. Use the version of genre-tui that made it."
            )
        return facts

    def trial_path(self, trial: str) -> Path:
        """The folder of a trial.

        Raises:
            RunError: the id is none, such as one that leads out of the run.
        """
        if not (isinstance(trial, str) and trial.isalnum()):
            raise RunError(f"a trial's id has letters and digits only. Received: {trial!r}.")
        return self.path / "trials" / trial

    def write_model(self, trial: str, save: Callable[[Path], None]) -> None:
        """Let `save` write a trial's model.keras."""
        target = self.trial_path(trial) / "model.keras"
        with commit(target) as temporary:
            # Keras insists on the suffix.
            named = temporary.with_name(f"{temporary.name}.keras")
            try:
                save(named)
                named.replace(temporary)
            finally:
                named.unlink(missing_ok=True)

    def write_predictions(self, trial: str, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Write a trial's predictions.h5."""
        import h5py

        target = self.trial_path(trial) / "predictions.h5"
        with commit(target) as temporary, h5py.File(temporary, "w") as file:
            for name, value in arrays.items():
                file[name] = value

    def write_result(self, trial: str, result: Mapping[str, Any]) -> None:
        """Commit a trial: it is done once its result.json is there."""
        _write_json(self.trial_path(trial) / "result.json", result)

    def read_result(self, trial: str) -> dict[str, Any] | None:
        """A trial's result, or None where it has none yet.

        Raises:
            RunError: it is damaged.
        """
        path = self.trial_path(trial) / "result.json"
        return _read_json(path) if path.exists() else None


def create(runs: Path, study: str) -> RunDirectory:
    """A new run's directory, empty.

    Raises:
        DataError: the folder cannot be written.
    """
    utc = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = runs / study / f"{utc}-{secrets.token_hex(3)}"
    with writing(path):
        path.mkdir(parents=True)
    return RunDirectory(path)


def all_runs(runs: Path) -> list[RunDirectory]:
    """All runs below a folder, oldest first."""
    found = [RunDirectory(path.parent) for path in runs.glob("*/*/run.json")]
    return sorted(found, key=_age)


def _age(run: RunDirectory) -> tuple[str, int]:
    # Of runs that began in the same second, the file's time decides.
    utc = run.path.name.partition("-")[0]
    try:
        return utc, (run.path / "run.json").stat().st_mtime_ns
    except OSError:
        return utc, 0


def find(runs: Path, name: str) -> RunDirectory:
    """The run that a user means.

    Args:
        runs: the folder of all runs.
        name: a path, a name, the unique beginning of a name or id, or "latest".

    Raises:
        RunError: there is none, or more than one.
    """
    with suppress(OSError):  # a name too long for a path, a folder that cannot be read
        if (Path(name) / "run.json").exists():
            return RunDirectory(Path(name))
    there = all_runs(runs)
    if not there:
        raise RunError(
            f"there are no runs in {runs.absolute()}. Start one with python -m experiments run "
            "STUDY, or name another folder with --runs."
        )
    if name == LATEST:
        return there[-1]
    matches = [
        run
        for run in there
        if run.name == name
        or run.name.startswith(name)
        or run.path.name.startswith(name)
        or run.path.name.rpartition("-")[2].startswith(name)
    ]
    exact = [run for run in matches if name in (run.name, run.path.name)]
    matches = exact or matches
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise RunError(
            f"there is no run {name!r} in {runs}. The newest is {there[-1].name}; 'latest' names "
            "it, too."
        )
    newest = ", ".join(run.name for run in matches[-3:])
    raise RunError(f"{name!r} could be {len(matches)} runs, the newest of them {newest}: say more.")


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    with commit(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise RunError(f"{path} is larger than any record of ours: it is not read.")
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"{path} is missing: this is no run's directory, or a damaged one."
        ) from error
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from error
    except RunError:
        raise
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is damaged: it is no JSON ({error!s:.80}).") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is damaged: it holds no JSON object.")
    return value


def plain_floats(values: npt.NDArray[np.floating[Any]] | list[float]) -> list[float | None]:
    """Numbers for JSON, which knows neither NaN nor infinity: they become None."""
    return [float(value) if abs(value) < float("inf") else None for value in values]
