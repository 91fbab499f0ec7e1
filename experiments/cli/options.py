"""What several commands of `python -m experiments` share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from data.files.user_folders import runs_folder
from data.terminal.commands import echo
from data.terminal.console import console
from experiments.design.limits import MOST_SEEDS
from experiments.design.request import CHECKPOINT_SECONDS
from networks.training.cohort_key import PRECISIONS

if TYPE_CHECKING:
    from experiments.results.run_result import RunResult

Command = TypeVar("Command", bound=Callable[..., Any])

RUNS_OPTION = click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=runs_folder,
    show_default="GENRE_TUI_RUNS, else runs",
    help="Folder of all runs.",
)
DATA_OPTION = click.option(
    "--data", "data_name", help="Dataset (default: the chosen one, else the demo)."
)
SEEDS_OPTION = click.option(
    "--seeds", type=click.IntRange(1, MOST_SEEDS), help="Seeds (default: 1, controlled: 5)."
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DETACH_OPTION = click.option(
    "--detach", is_flag=True, help="Let it run on its own, and come back at once."
)

_COMPUTING = (
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="What trains.",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1, 1024),
        default=1,
        show_default=True,
        help="Of the CPU, in each process; more help large networks on an idle machine only.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        help="Processes on the CPU (default: one a core, no more than there is work for).",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="float32",
        show_default=True,
        help="Of products; tf32 on NVIDIA GPUs. What is kept is float32.",
    ),
    click.option(
        "--checkpoint-seconds",
        type=click.FloatRange(0, 86_400),
        default=CHECKPOINT_SECONDS,
        show_default=True,
        help="Between two checkpoints, at least.",
    ),
)


def computing_options(command: Command) -> Command:
    """The options of `Computing`."""
    for option in reversed(_COMPUTING):
        command = option(command)
    return command


def print_result(result: RunResult, as_json: bool) -> None:
    """Print a run's results, with what they answer."""
    from experiments.display.result_tables import results_view
    from experiments.display.search_table import search_view
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
