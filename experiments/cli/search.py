"""`python -m experiments search`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from data.terminal.commands import interruptible
from data.terminal.console import console
from experiments.cli.follow import follow_to_results
from experiments.cli.options import (
    DATA_OPTION,
    DETACH_OPTION,
    EPOCHS_OPTION,
    EXTENDED_OPTION,
    JSON_OPTION,
    RUNS_OPTION,
    VARIANTS_OPTION,
    computing_options,
    note_backend,
    whole_number,
)
from experiments.design.request import Computing, Request
from experiments.design.search_options import space_of
from experiments.design.search_settings import (
    COHORTS,
    SAMPLERS,
    TRIALS,
    Sampler,
    Search,
    require_optuna,
)
from experiments.design.study import FIRST_SEED
from experiments.errors import RunError
from experiments.execution.launch import start
from experiments.studies.lookup import study_from_options


def refuse_folds(folds: str | None) -> None:
    """Raise RunError for the option of `run`, which may well be tried here."""
    if folds is not None:
        raise RunError(
            "a search selects on the dataset's own validation rows: leave --folds out, then run "
            "the best setting with python -m experiments run STUDY --vary ... --folds K."
        )


@click.command()
@click.argument("study")
@DATA_OPTION
@click.option(
    "--trials",
    type=whole_number("trials"),
    default=TRIALS,
    show_default=True,
    help="In all; each is one training of one seed.",
)
@click.option(
    "--cohort",
    type=whole_number("cohort"),
    help="Trials drawn at once, from the results of those before them (default: "
    f"{COHORTS['cpu']} on a CPU, {COHORTS['cuda']} on a GPU).",
)
@click.option(
    "--sampler",
    type=click.Choice(SAMPLERS),
    default="random",
    show_default=True,
    help="random, as the source searched, or tpe, which draws near what was good so far.",
)
@click.option(
    "--seed",
    type=whole_number("seed"),
    default=FIRST_SEED,
    show_default=True,
    help="Of the sampler.",
)
@click.option(
    "--grid",
    is_flag=True,
    help="Draw learning rates from those that the controlled protocol tries, as the source's "
    "search did, instead of anywhere between the lowest and the highest.",
)
@click.option(
    "--space",
    "fields",
    multiple=True,
    metavar="FIELD=...",
    help="Draw a field, too: LOW..HIGH, LOW..HIGH:log or VALUE,VALUE,..., such as "
    "training.l2=1e-5..1e-1:log. May be given several times.",
)
@click.option(
    "--folds",
    hidden=True,
    expose_value=False,
    callback=lambda *given: refuse_folds(given[-1]),
    help="Of `run` only.",
)
@EPOCHS_OPTION
@EXTENDED_OPTION
@VARIANTS_OPTION
@computing_options
@DETACH_OPTION
@RUNS_OPTION
@JSON_OPTION
def search(
    study: str,
    data_name: str | None,
    trials: int,
    cohort: int | None,
    sampler: Sampler,
    seed: int,
    grid: bool,
    fields: Sequence[str],
    computing: Computing,
    detach: bool,
    runs: Path,
    as_json: bool,
    **options: Any,
) -> None:
    """Search a study's settings with Optuna and show the best.

    Drawn are the variants of its controlled protocol and their learning rates, between
    the lowest and the highest that the protocol tries, and the fields that --space
    names. Each trial trains with one seed. Each variant's best trial on validation is
    tested at the end. A search is a run: `watch`, `stop`, `resume` and `show` it.
    """
    from data.sources.open import dataset_path, summarise_dataset

    note_backend()
    require_optuna()
    chosen, extent = study_from_options(study, protocol="controlled", seeds=1, **options)
    space = space_of(chosen, fields, grid=grid, epochs=extent.epochs, extended=extent.extended)
    settings = Search(space, trials, cohort, sampler, seed)
    with interruptible("Nothing was written."):
        request = Request(chosen, dataset_path(data_name), extent, computing, settings)
        summarise_dataset(data_name, request.features)
        with console(stderr=True).status("starting the search"):
            made = start(request, runs)
    follow_to_results(made, detach, as_json)
