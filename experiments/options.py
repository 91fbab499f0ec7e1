"""What several commands of `python -m experiments` share."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from data.terminal import console
from experiments.results import RunResult
from experiments.tables import results_view

RUNS_OPTION = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=lambda: Path(os.environ.get("GENRE_TUI_RUNS") or "runs"),
    show_default="GENRE_TUI_RUNS, else runs",
    help="Folder of all runs.",
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DETACH_OPTION = click.option(
    "--detach", is_flag=True, help="Let it run on its own, and come back at once."
)


def print_result(result: RunResult, as_json: bool) -> None:
    """Print a run's results."""
    if as_json:
        click.echo(json.dumps(result.to_dict()))
    else:
        console().print(results_view(result))
