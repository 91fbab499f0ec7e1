"""Follows a run that a command has begun, and prints results."""

from __future__ import annotations

import json
import select
import sys
import threading
from importlib import import_module

from data.terminal.commands import echo
from data.terminal.console import console
from data.terminal.entry import INTERRUPTED
from experiments.display.follow import check_end, follow
from experiments.results.run_result import RunResult, collect
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive

_POLL = 0.1  # seconds
_QUESTION = """
The run goes on while you decide. Type
  d (or Enter) to detach: it goes on without this terminal
  s to stop it at the end of the epoch
  w to go on watching
Ctrl-C again ends it at once."""


def ask_what_to_do(run: RunDirectory) -> str:
    """The `ask` of `display.follow`: "s" without a terminal, "w" if the run ends meanwhile."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "s"
    echo(_QUESTION, err=True)
    while is_alive(run):
        # Not input(): a signal just before it would wait for a line to be typed.
        ready, _, _ = select.select([sys.stdin], [], [], _POLL)
        if ready:
            line = sys.stdin.readline()
            answer = line.strip().lower()[:1] or "d"
            if answer in ("d", "s", "w") or not line:
                return answer
            echo("Type d, s or w.", err=True)
    return "w"


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
        results = ("experiments.results.analysis", "scipy.special")
        threading.Thread(target=lambda: [*map(import_module, results)], daemon=True).start()
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
        if not state.count("finished"):
            echo(f"No trial of {run.name} has finished, so there is no result.", err=True)
        sys.exit(1 if state.count("failed") or not state.count("finished") else 0)
    echo(f"Stopped: what is done is kept. {resuming}", err=True)
    sys.exit(INTERRUPTED)


def print_result(result: RunResult, as_json: bool) -> None:
    """Print a run's results and their analysis, of a search also its best trials."""
    from experiments.display.result_tables import results_view, search_view
    from experiments.results.analysis import analyse
    from experiments.results.search_result import search_result

    analysis, found = analyse(result), search_result(result.run)
    if as_json:
        plain = result.to_dict() | {"statistics": analysis.to_dict()}
        echo(json.dumps(plain | ({"search": found.to_dict()} if found else {})))
        return
    console().print(results_view(result, analysis))
    if found:
        console().print("", search_view(found))
