"""Arguments and options that several commands of `python -m experiments` share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import reduce, wraps
from pathlib import Path
from typing import Any

import click

from data.files.user_folders import runs_folder
from data.terminal.commands import echo
from data.terminal.console import console
from experiments.design.limits import BOUNDS
from experiments.design.request import CHECKPOINT_SECONDS, Computing
from experiments.runs.listing import LATEST, find
from experiments.studies.lookup import split_names
from networks.backend import replaced_backend
from networks.training.cohort_key import PRECISIONS

Command = Callable[..., None]


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
    click.option("--anyway", is_flag=True, help="Also at a precision that the device is slow at."),
    click.option(
        "--checkpoint-seconds",
        type=click.FloatRange(*BOUNDS["checkpoint_seconds"]),
        default=CHECKPOINT_SECONDS,
        show_default=True,
        help="Between two checkpoints, at least.",
    ),
)


def run_argument(*, latest: bool = False) -> Callable[[Command], Command]:
    """Add the argument RUN and the option --runs; the command receives the run as `run`.

    Args:
        latest: whether RUN may be left out.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_run(run: str, runs: Path, **options: Any) -> None:
            command(find(runs, run), **options)

        default = f", or {LATEST} (the default)" if latest else f", or {LATEST}"
        about = f"RUN is a folder, a name, the unique beginning of a name or id{default}."
        with_run.__doc__ = f"{inspect.getdoc(command) or ''}\n\n{about}".lstrip()
        if latest:
            argument = click.argument("run", metavar="[RUN]", default=LATEST)
        else:
            argument = click.argument("run")
        return argument(RUNS_OPTION(with_run))

    return decorate


def computing_options(command: Command) -> Command:
    """Add the options of `Computing`, which the command receives as its argument `computing`."""

    @wraps(command)
    def with_computing(**options: Any) -> None:
        names = (field.name for field in fields(Computing))
        computing = Computing(**{name: options.pop(name) for name in names})
        computing.check_cores()  # before the machine is measured with them
        command(computing=computing, **options)

    return reduce(lambda decorated, option: option(decorated), reversed(_COMPUTING), with_computing)


def measure_here(computing: Computing, status: str = "measuring this machine") -> None:
    """Measure the speed of this machine as far as it is unknown, showing a status on stderr."""
    from experiments.machine_speed import measure

    with console(stderr=True).status(status) as spinner:
        measure(computing, lambda phrase: spinner.update(f"measuring: {phrase}"))


def note_backend() -> None:
    """Print where the user asked for another backend of Keras than torch."""
    if sentence := replaced_backend():
        echo(sentence, err=True)
