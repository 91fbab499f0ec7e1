"""`python -m experiments run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.datasets.artists import GROUPS
from data.terminal.commands import echo, interruptible
from data.terminal.console import console
from experiments.cli.follow import follow_to_results
from experiments.cli.options import (
    DATA_OPTION,
    DETACH_OPTION,
    EPOCHS_OPTION,
    EXTENDED_OPTION,
    JSON_OPTION,
    RUNS_OPTION,
    SEEDS_OPTION,
    VARIANTS_OPTION,
    computing_options,
    measure_here,
    note_backend,
    whole_number,
)
from experiments.design.dataset_size import DatasetSize
from experiments.design.request import Computing, Request
from experiments.design.study import PROTOCOLS
from experiments.design.variants import parse_grid
from experiments.execution.launch import start
from experiments.forecasting import forecast
from experiments.studies.lookup import study_from_options

if TYPE_CHECKING:
    from data.storage.hdf5 import Summary

_LONG = 60.0  # seconds of training that are worth measuring the machine first


def announce(request: Request, dataset: Summary) -> None:
    """Print the number of trials and the forecast, measuring the machine before a long run."""
    size = DatasetSize.of(dataset.rows, len(dataset.genres), dataset.shapes, request.options.folds)
    run = request.study, request.options, request.computing, size
    found = forecast(*run)
    if found.is_rough and found.seconds > _LONG:
        measure_here(request.computing, "measuring this machine, once")
        found = forecast(*run)
    many = f"{found.trials} trial{'s' if found.trials > 1 else ''}"
    echo(f"{many}: {found.text} on this machine", err=True)


@click.command()
@click.argument("study")
@DATA_OPTION
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    help="What the source ran (documented), or the same budget and several seeds for every "
    "variant (controlled). Default: that of a TOML file, else documented.",
)
@SEEDS_OPTION
@click.option(
    "--folds",
    type=whole_number("folds"),
    help="Cross-validation: deal all tracks into so many folds, genre by genre, and test each "
    "by networks that were trained and selected on the others.",
)
@click.option(
    "--group",
    type=click.Choice(GROUPS),
    help="What a fold keeps together (default: track).",
)
@EPOCHS_OPTION
@click.option(
    "--quick",
    is_flag=True,
    help="The controlled protocol with fewer seeds, epochs and learning rates; says what it "
    "leaves out.",
)
@EXTENDED_OPTION
@VARIANTS_OPTION
@click.option(
    "--vary",
    "grid",
    multiple=True,
    callback=lambda context, option, values: parse_grid(values),
    metavar="FIELD=VALUE,...",
    help="Every variant with each value of a field, such as training.learning_rate=1e-4,1e-3. "
    "May be given several times.",
)
@computing_options
@DETACH_OPTION
@RUNS_OPTION
@JSON_OPTION
def run(
    study: str,
    data_name: str | None,
    computing: Computing,
    detach: bool,
    runs: Path,
    as_json: bool,
    **options: Any,
) -> None:
    """Run a study and show its results.

    STUDY is one of those that `list` shows, or a TOML file of your own. Progress goes
    to standard error. The run is a process of its own: it goes on when this terminal
    closes. Ctrl-C asks whether to leave it or to stop it; where nobody can be asked it
    stops the run at the end of the epoch. Ctrl-C again ends it at once.

    The exit status is 1 where a trial has failed or none has finished, as where all have
    diverged, 2 where the input is wrong, and 130 after a stop.
    """
    from data.sources.open import dataset_path, summarise_dataset

    note_backend()
    chosen, extent = study_from_options(study, **options)
    with interruptible("Nothing was written."):
        dataset = summarise_dataset(data_name, chosen.features)
        request = Request(chosen, dataset_path(data_name), extent, computing)
        announce(request, dataset)
        with console(stderr=True).status("starting the run"):
            made = start(request, runs)
    follow_to_results(made, detach, as_json)
