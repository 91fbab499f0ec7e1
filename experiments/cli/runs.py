"""Commands for runs: list, watch, stop, resume and remove them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import click

from data.terminal.commands import confirm, echo, interruptible
from data.terminal.console import console
from data.terminal.text import size_text
from experiments.cli.follow import follow_to_results
from experiments.cli.options import DETACH_OPTION, JSON_OPTION, RUNS_OPTION, run_argument
from experiments.display.follow import watch
from experiments.display.result_tables import runs_view
from experiments.display.snapshot_table import snapshot_view
from experiments.errors import RunError
from experiments.execution.launch import resume
from experiments.execution.stopping import await_end, end_now, request_stop
from experiments.runs.checksums import stringify_nonfinite
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import find
from experiments.runs.lock import is_alive
from experiments.runs.removal import check_removable, remove
from experiments.runs.state import snapshot, state_of
from experiments.runs.summaries import summarise_all


@click.command("runs")
@RUNS_OPTION
@JSON_OPTION
def list_runs(runs: Path, as_json: bool) -> None:
    """List the runs and their states, the oldest first."""
    refused: list[OSError] = []
    found = summarise_all(runs, refused.append)
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
@click.option("--once", is_flag=True, help="Show how it is now, and end.")
@run_argument(latest=True)
@JSON_OPTION
def watch_run(run: RunDirectory, once: bool, as_json: bool) -> None:
    """Show how far a run is, until it ends.

    It needs no more than to read the run's directory, and works in any terminal and
    in pipes. With --json it prints the run's events, one a line; with --once
    and --json one object. Ctrl-C ends watching, not the run.
    """
    if once and as_json:
        echo(json.dumps(stringify_nonfinite(snapshot(run).to_dict())))
        return
    with interruptible(f"{run.name} is as it was: watching changes nothing."):
        if as_json:
            watch(run, lambda entry: echo(json.dumps(stringify_nonfinite(entry.to_dict()))))
            return
        console().print(snapshot_view(snapshot(run)))
        if not once and is_alive(run):
            watch(run)
            _print_state(run)


def _print_state(run: RunDirectory) -> None:
    echo(f"{run.name}: {state_of(run, run.read_manifest()).state}")


@click.command("stop")
@click.option("--now", is_flag=True, help="End its processes at once, in the middle of an epoch.")
@run_argument()
def stop_run(run: RunDirectory, now: bool) -> None:
    """Stop a run at the end of its epoch; `resume` goes on from there."""
    if not is_alive(run):
        state = state_of(run, run.read_manifest()).state
        raise RunError(f"{run.name} is {state}: no process trains it, so nothing was stopped.")
    if now:
        end_now(run)
    else:
        request_stop(run)
        echo("Stopping at the end of the epoch ...", err=True)
        with interruptible(f"{run.name} stops at the end of its epoch all the same."):
            await_end(run)
    _print_state(run)


@click.command("resume")
@click.option("--data", "data_name", help="Dataset, where yours of that content has gone.")
@DETACH_OPTION
@run_argument()
@JSON_OPTION
def resume_run(run: RunDirectory, data_name: str | None, detach: bool, as_json: bool) -> None:
    """Let a run go on from its checkpoints; trials that are done stay as they are."""
    from data.sources.open import dataset_path

    if state_of(run, run.read_manifest()).state == "finished":
        raise RunError(
            f"{run.name} is finished: there is nothing left to do. Look at it with python -m "
            f"experiments show {run.path.name}."
        )
    with interruptible("The run is as it was."), console(stderr=True).status("resuming the run"):
        resume(run, None if data_name is None else dataset_path(data_name))
    follow_to_results(run, detach, as_json)


@click.command("remove")
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
@RUNS_OPTION
def remove_run(run: str, yes: bool, runs: Path) -> None:
    """Remove a run with its records and models.

    RUN is a folder, a name, the unique beginning of a name or id, or latest.
    """
    found = find(runs, run)
    check_removable(found)
    if found.path.absolute().parent.parent != runs.absolute():
        found.read_manifest()  # refuses to remove what only looks like a run
    size = sum(path.lstat().st_size for path in found.path.rglob("*"))
    if not yes:
        confirm(f"Remove {found.name} ({size_text(size)})?", err=True)
    remove(found, partial(echo, err=True))
    echo(f"Removed {found.name}.")
