"""All runs in a row each, derived from their records.

The rows of runs that no process trains are kept in the user's cache, as reading the results of
thousands of runs takes long: a row stays valid while no record has another time or size.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from data.errors import DataError
from data.files.atomic import commit
from data.files.user_folders import cache_folder
from experiments.errors import RunError
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs
from experiments.runs.lock import is_alive
from experiments.runs.state import state_of
from experiments.runs.validation import MALFORMED, of_type, text

Row = dict[str, Any]
_Known = dict[str, tuple[str, Row]]  # stamps and rows by the names of runs

_RECORDS = ("run.json", "optuna.journal", "control", "events", "baselines/result.json")
_SCHEMA_VERSION = 1
_LARGEST = 2**26  # bytes; a run has about 300


def summarise_all(runs: Path, refused: Callable[[OSError], None] = lambda _: None) -> list[Row]:
    """All runs below a folder, the oldest first, in a row each, JSON-ready.

    The state of a run whose records are damaged is "damaged".

    Args:
        runs, refused: as `all_runs` takes them.
    """
    digest = hashlib.sha256(os.fsencode(runs.absolute())).hexdigest()[:32]
    path = cache_folder() / "runs" / f"{digest}.json"
    known, rows = _read(path), []
    valid: _Known = {}
    for run in all_runs(runs, refused):
        stamp = "" if is_alive(run) else stamp_of(run)
        before, row = known.get(run.name, ("", {}))
        if not stamp or stamp != before:
            row = _summarise(run)
        rows.append({"run": run.name, "path": str(run.path)} | row)
        if stamp and row["state"] not in ("running", "stopping", "damaged"):
            valid[run.name] = stamp, row
    if valid != known:
        with suppress(DataError), commit(path) as temporary:
            plain = {"schema_version": _SCHEMA_VERSION, "runs": valid}
            temporary.write_bytes(checksums.dumps(plain))
    return rows


def stamp_of(run: RunDirectory) -> str:
    """A value that changes whenever a run that no process trains is in another state."""
    folder = str(run.path)
    paths = [f"{folder}/{name}" for name in _RECORDS]
    with suppress(OSError), os.scandir(f"{folder}/trials") as trials:
        paths += sorted(f"{trial.path}/result.json" for trial in trials)
    marks: list[object] = []
    for path in paths:
        try:
            found = os.stat(path)
            marks += (path, found.st_mtime_ns, found.st_size)
        except OSError:
            marks.append(path)
    return hashlib.sha256(repr(marks).encode(errors="surrogateescape")).hexdigest()[:32]


def _read(path: Path) -> _Known:
    """Rows of the cache; none where it is missing, damaged or of another version."""
    try:
        with path.open("rb") as file:
            plain = checksums.loads(file.read(_LARGEST))
        if plain["schema_version"] != _SCHEMA_VERSION:
            return {}
        known = of_type(dict, plain["runs"]).items()
        return {name: (text(stamp), of_type(dict, row)) for name, (stamp, row) in known}
    except (OSError, *MALFORMED):
        return {}


def _summarise(run: RunDirectory) -> Row:
    try:
        manifest = run.read_manifest()
        state = state_of(run, manifest)
        return {
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
        return nothing | {"state": "damaged", "reason": str(error)}
