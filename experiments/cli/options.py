"""Options that several commands of `python -m experiments` share, and the output of results."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from functools import reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.files.user_folders import runs_folder
from data.terminal.commands import echo
from data.terminal.console import console
from experiments.design.limits import BOUNDS
from experiments.design.request import CHECKPOINT_SECONDS, Computing
from experiments.studies.lookup import split_names
from networks.training.cohort_key import PRECISIONS

if TYPE_CHECKING:
    from experiments.results.run_result import RunResult


def whole_number(option: str) -> click.IntRange:
    """The type of an option that is a whole number within its bounds."""
    return click.IntRange(*BOUNDS[option])


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
    "--seeds", type=whole_number("seeds"), help="Seeds (default: 1, controlled: 5)."
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DETACH_OPTION = click.option(
    "--detach", is_flag=True, help="Let it run on its own, and come back at once."
)

EPOCHS_OPTION = click.option("--epochs", type=whole_number("epochs"), help="Of every training.")
EXTENDED_OPTION = click.option(
    "--extended", is_flag=True, help="With further variants, where a study has them."
)
VARIANTS_OPTION = click.option(
    "--variants",
    default="",
    callback=lambda context, option, names: split_names(names),
    help="Only these, by their names with commas between them.",
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
        type=whole_number("threads"),
        default=1,
        show_default=True,
        help="Of the CPU, in each process; more help large networks on an idle machine only.",
    ),
    click.option(
        "--workers",
        type=whole_number("workers"),
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
        type=click.FloatRange(*BOUNDS["checkpoint_seconds"]),
        default=CHECKPOINT_SECONDS,
        show_default=True,
        help="Between two checkpoints, at least.",
    ),
)


def computing_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `Computing`, which the command receives as its argument `computing`."""

    @wraps(command)
    def with_computing(**options: Any) -> None:
        names = (field.name for field in fields(Computing))
        command(computing=Computing(**{name: options.pop(name) for name in names}), **options)

    return reduce(lambda decorated, option: option(decorated), reversed(_COMPUTING), with_computing)


def measure_here(computing: Computing, status: str = "measuring this machine") -> None:
    """Measure the speed of this machine as far as it is unknown, showing a status on stderr."""
    from experiments.machine_speed import measure

    with console(stderr=True).status(status) as spinner:
        measure(computing, lambda phrase: spinner.update(f"measuring: {phrase}"))


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
