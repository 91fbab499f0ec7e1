"""Commands for runs: list, watch, stop, resume and remove them."""

from __future__ import annotations

import json
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from data.terminal.commands import confirm, echo, interruptible
from data.terminal.console import console
from experiments.cli.ask import ask_what_to_do
from experiments.cli.options import DETACH_OPTION, JSON_OPTION, RUNS_OPTION, print_result
from experiments.display.follow import check_end, follow, watch
from experiments.display.result_tables import runs_view
from experiments.display.snapshot_table import snapshot_view
from experiments.errors import RunError
from experiments.execution.launch import await_end, end_now, resume
from experiments.results.run_result import collect
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import all_runs, find
from experiments.runs.lock import is_alive, lock_holder
from experiments.runs.state import Snapshot, snapshot, state_of, summarise

_TO_DIE = 10.0  # seconds for killed processes to end


@click.command("runs")
@RUNS_OPTION
@JSON_OPTION
def list_runs(runs: Path, as_json: bool) -> None:
    """List the runs and their states, the oldest first."""
    refused: list[OSError] = []
    found = [summarise(run) for run in all_runs(runs, refused.append)]
    for error in refused:
        echo(f"{error.filename} cannot be read: {error.strerror}.", err=True)
    if as_json:
        echo(json.dumps(found, indent=2))
        return
    if not found and not refused:
        echo(f"There are no runs in {runs.absolute()} yet.")
        return
    if found:
        console().print(runs_view(found))


@click.command("watch")
@click.argument("run", metavar="[RUN]", default="latest")
@click.option("--once", is_flag=True, help="Show how it is now, and end.")
@RUNS_OPTION
@JSON_OPTION
def watch_run(run: str, once: bool, runs: Path, as_json: bool) -> None:
    """Show how far a run is, until it ends.

    It needs no more than to read the run's directory, and works in any terminal and
    in pipes. With --json it prints the run's events, one a line; with --once
    and --json one object. RUN is a folder, a name, the unique beginning of a name
    or id, or latest (the default). Ctrl-C ends watching, not the run.
    """
    found = find(runs, run)
    if once:
        seen = snapshot(found)
        _print_snapshot(seen, as_json)
        return
    with interruptible(f"{found.name} is as it was: watching changes nothing."):
        if as_json:
            watch(found, lambda entry: _print_json(entry.to_dict()))
            return
        _print_snapshot(snapshot(found), False)
        if is_alive(found):
            watch(found)
            echo(f"{found.name}: {state_of(found, found.read_manifest()).state}")


def _print_snapshot(seen: Snapshot, as_json: bool) -> None:
    if as_json:
        _print_json(seen.to_dict())
    else:
        console().print(snapshot_view(seen))


def _print_json(value: dict[str, Any]) -> None:
    echo(json.dumps(checksums.stringify_nonfinite(value)))


@click.command("stop")
@click.argument("run")
@click.option("--now", is_flag=True, help="End its processes at once, in the middle of an epoch.")
@RUNS_OPTION
def stop_run(run: str, now: bool, runs: Path) -> None:
    """Stop a run at the end of its epoch; `resume` goes on from there.

    RUN is a folder, a name, the unique beginning of a name or id, or latest.
    """
    found = find(runs, run)
    if not is_alive(found):
        state = state_of(found, found.read_manifest()).state
        raise RunError(f"{found.name} is {state}: nobody carries it out, so nothing was stopped.")
    if now:
        end_now(found)
        if not await_end(found, _TO_DIE):
            raise RunError(
                f"{lock_holder(found)} does not end. Look after it with your system's tools."
            )
    else:
        found.ask_to_stop()
        echo("Stopping at the end of the epoch ...", err=True)
        with interruptible(f"{found.name} stops at the end of its epoch all the same."):
            await_end(found)
    echo(f"{found.name}: {state_of(found, found.read_manifest()).state}")


@click.command("resume")
@click.argument("run")
@click.option("--data", "data_name", help="Dataset, where yours of that content has gone.")
@DETACH_OPTION
@RUNS_OPTION
@JSON_OPTION
def resume_run(run: str, data_name: str | None, detach: bool, runs: Path, as_json: bool) -> None:
    """Let a run go on from its checkpoints; trials that are done stay as they are.

    RUN is a folder, a name, the unique beginning of a name or id, or latest.
    """
    from data.sources.open import dataset_path

    found = find(runs, run)
    state = state_of(found, found.read_manifest())
    if state.state == "finished":
        raise RunError(
            f"{found.name} is finished: there is nothing left to do. Look at it with python -m "
            f"experiments show {found.path.name}."
        )
    with interruptible("The run is as it was."), console(stderr=True).status("resuming the run"):
        resume(found, None if data_name is None else dataset_path(data_name))
    follow_to_results(found, detach, as_json)


def follow_to_results(run: RunDirectory, detach: bool, as_json: bool) -> None:
    """Follow a run that has just begun, unless detached, and print its results at its end.

    Raises:
        RunError: it failed or crashed.
    """
    name = run.path.name
    if detach and as_json:
        echo(json.dumps({"run": str(run.path), "state": "running"}))
        return
    if not detach:  # what the results take is imported while the run trains
        results = "experiments.results.analysis"
        threading.Thread(target=import_module, args=(results,), daemon=True).start()
    if detach or not follow(run, ask_what_to_do):
        echo(
            f"{run.name} goes on. Watch it with python -m experiments watch {name}, stop it "
            f"with python -m experiments stop {name}.",
            err=not detach,
        )
        return
    resuming = f"Go on with python -m experiments resume {name}."
    state = check_end(run, resuming)
    if state.state == "finished":
        print_result(collect(run), as_json)
        sys.exit(1 if state.count("failed") else 0)
    echo(f"Stopped: what is done is kept. {resuming}", err=True)
    sys.exit(130)


@click.command("remove")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@RUNS_OPTION
def remove_run(run: str, yes: bool, runs: Path) -> None:
    """Remove a run with its records and models.

    RUN is a folder, a name, the unique beginning of a name or id, or latest.
    """
    found = find(runs, run)
    if is_alive(found):
        raise RunError(f"{found.name} is being trained by {lock_holder(found)}: stop it first.")
    if found.path.absolute().parent.parent != runs.absolute():
        found.read_manifest()  # refuses to remove what only looks like a run
    size = sum(path.lstat().st_size for path in found.path.rglob("*"))
    if not yes:
        confirm(f"Remove {found.name} ({size / 1e6:.1f} MB)?", err=True)
    found.remove()
    echo(f"Removed {found.name}.")
