"""`python -m experiments run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from data.terminal.commands import echo, interruptible
from data.terminal.console import console
from experiments.cli.options import (
    DATA_OPTION,
    DETACH_OPTION,
    JSON_OPTION,
    RUNS_OPTION,
    SEEDS_OPTION,
    computing_options,
)
from experiments.cli.runs import follow_to_results
from experiments.design.limits import MOST_EPOCHS
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.study import PROTOCOLS, Protocol, Study
from experiments.design.variants import parse_grid
from experiments.execution.launch import start
from experiments.forecasting import forecast, measure
from experiments.studies.lookup import split_names, study_from_options
from networks.training.backend import require_torch
from networks.training.cohort_key import Precision

_LONG = 60.0  # seconds of training beside which measuring first is little


def announce(
    study: Study,
    options: StudyOptions,
    computing: Computing,
    rows: tuple[int, int],
    classes: int,
) -> None:
    """Print the number of trials and how long they take; measure first where they take long."""
    found = forecast(study, options, computing, rows, classes)
    if found.is_rough and found.seconds > _LONG:
        with console(stderr=True).status("measuring this machine, once") as status:
            measure(computing, lambda phrase: status.update(f"measuring: {phrase}"))
        found = forecast(study, options, computing, rows, classes)
    many = f"{found.trials} trial{'s' if found.trials > 1 else ''}"
    echo(f"{many}: {found.text} on this machine", err=True)


@click.command()
@click.argument("study")
@DATA_OPTION
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    help="What the source ran (documented, the default), or the same budget and several seeds "
    "for every variant (controlled).",
)
@SEEDS_OPTION
@click.option("--epochs", type=click.IntRange(1, MOST_EPOCHS), help="Of every training.")
@click.option(
    "--quick",
    is_flag=True,
    help="The controlled protocol with fewer seeds, epochs and learning rates; says what it "
    "leaves out.",
)
@click.option("--extended", is_flag=True, help="With further variants, where a study has them.")
@click.option("--variants", help="Only these, by their names with commas between them.")
@click.option(
    "--vary",
    "varied",
    multiple=True,
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
    protocol: Protocol | None,
    seeds: int | None,
    epochs: int | None,
    quick: bool,
    extended: bool,
    variants: str | None,
    varied: Sequence[str],
    device: str,
    threads: int,
    workers: int | None,
    precision: Precision,
    checkpoint_seconds: float,
    detach: bool,
    runs: Path,
    as_json: bool,
) -> None:
    """Run a study and show its results.

    STUDY is one of those that `list` shows, or a TOML file of your own. Progress goes
    to standard error. The run is a process of its own: it goes on when this terminal
    closes. Ctrl-C asks whether to leave it or to stop it; where nobody can be asked it
    stops the run at the end of the epoch. Ctrl-C again ends it at once.
    """
    from data.sources.open import dataset_path, summarise_dataset

    require_torch()
    chosen, options = study_from_options(
        study,
        protocol=protocol,
        seeds=seeds,
        epochs=epochs,
        quick=quick,
        extended=extended,
        variants=split_names(variants or ""),
        grid=parse_grid(varied),
    )
    computing = Computing(device, threads, workers, precision, checkpoint_seconds)
    with interruptible("Nothing was written."):
        dataset = summarise_dataset(data_name, chosen.features)
        rows = dataset.rows["train"], dataset.rows["validation"]
        announce(chosen, options, computing, rows, len(dataset.genres))
        request = Request(chosen, dataset_path(data_name), options, computing)
        with console(stderr=True).status("starting the run"):
            made = start(request, runs)
    follow_to_results(made, detach, as_json)
