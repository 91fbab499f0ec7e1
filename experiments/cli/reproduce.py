"""`python -m experiments reproduce`: the documented studies, one after another, into one report."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from data.audio.parameters import FEATURE_NAMES, KINDS, Features
from data.terminal.commands import echo, interruptible
from data.terminal.console import console, table
from data.terminal.entry import INTERRUPTED
from experiments.cli.follow import ask_what_to_do
from experiments.cli.options import (
    DATA_OPTION,
    EPOCHS_OPTION,
    RUNS_OPTION,
    SEEDS_OPTION,
    computing_options,
    measure_here,
    note_backend,
)
from experiments.design.dataset_size import DatasetSize
from experiments.design.plan import StudyOptions
from experiments.design.request import Computing, Request
from experiments.design.study import PROTOCOLS, Protocol, Study
from experiments.display.follow import follow
from experiments.errors import RunError
from experiments.execution.reproduction import Stage, stages, start_or_resume
from experiments.forecasting import Forecast, forecast
from experiments.runs.state import state_of
from experiments.studies import STUDIES
from experiments.studies.lookup import split_names, study_and_options

if TYPE_CHECKING:
    from data.storage.hdf5 import Summary
    from experiments.runs.directory import RunDirectory

_LOG = "reproduce.log"


@click.command()
@DATA_OPTION
@click.option("--studies", help="Only these, by their names with commas between them.")
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="documented",
    show_default=True,
    help="Of every study.",
)
@SEEDS_OPTION
@EPOCHS_OPTION
@click.option("--quick", is_flag=True, help="The controlled protocol with a smaller budget.")
@click.option("--anew", is_flag=True, help="Run again what is done already.")
@click.option("--estimate", "only_estimate", is_flag=True, help="Say how long it takes, and end.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("reproduction.html"),
    show_default=True,
    help="Where the report goes.",
)
@computing_options
@click.option(
    "--detach", is_flag=True, help=f"Go on without this terminal; RUNS/{_LOG} tells how far it is."
)
@RUNS_OPTION
def reproduce(
    data_name: str | None,
    studies: str | None,
    protocol: Protocol,
    seeds: int | None,
    epochs: int | None,
    quick: bool,
    anew: bool,
    only_estimate: bool,
    output: Path,
    computing: Computing,
    detach: bool,
    runs: Path,
) -> None:
    """Run every study, one after another, and write one report.

    Typed again it goes on where it was: runs that are finished stay as they are, one
    that was stopped or has crashed is resumed. Studies that the dataset has no features
    for are left out, and named. The exit status is 1 where a study gave no result.
    """
    from data.sources.open import dataset_path, summarise_dataset

    note_backend()
    options = StudyOptions("controlled" if quick else protocol, seeds, epochs, quick)
    with interruptible("Nothing was started."):
        named = list(STUDIES) if studies is None else split_names(studies)
        wanted = [study_and_options(name)[0] for name in named]
        dataset = summarise_dataset(data_name)
        path = dataset_path(data_name).absolute()
        chosen = _able(wanted, path.stem, dataset.shapes)
        requests = [Request(study, path, options, computing) for study in chosen]
        staged = stages(requests, runs, dataset.content_sha256, anew)
        _estimate(staged, options, computing, dataset)
    if only_estimate:
        return
    if detach:
        _detach(runs)
        return
    done = [run for stage in staged if (run := _finish(stage, runs))]
    _report(done, output)
    usable = [run for run in done if state_of(run, run.read_manifest()).count("finished")]
    if len(usable) < len(staged):
        sys.exit(1)


def _able(studies: Sequence[Study], dataset: str, there: Container[Features]) -> list[Study]:
    """The studies that the dataset has features for; the others are named."""
    able = [study for study in studies if all(kind in there for kind in study.features)]
    without = [study.name for study in studies if study not in able]
    if without:
        missing = " or ".join(FEATURE_NAMES[kind] for kind in KINDS if kind not in there)
        echo(f"Left out, as {dataset} has no {missing}: {', '.join(without)}.", err=True)
    if not able:
        raise RunError(
            "none of these studies can run on this dataset: build one from recordings with "
            "python -m data build FOLDER, or name another with --data."
        )
    return able


def _estimate(
    staged: Sequence[Stage], options: StudyOptions, computing: Computing, dataset: Summary
) -> None:
    """Print the studies that are left, with forecasts from measurements of this machine."""
    size = DatasetSize.of(dataset.rows, len(dataset.genres), dataset.shapes, options.folds)
    if not all(stage.is_done for stage in staged):
        measure_here(computing)
    cells, left = [], []
    for stage in staged:
        found = forecast(stage.request.study, options, computing, size)
        state, time = ("", "done") if stage.is_done else (stage.state or "", found.text)
        cells.append([stage.request.study.name, state, str(found.trials), time])
        left += [] if stage.is_done else [found]
    console(stderr=True).print(table(["study", "", "trials", "time here"], cells, left=2))
    total = Forecast(
        sum(one.seconds for one in left),
        any(one.is_rough for one in left),
        any(one.at_most for one in left),
    )
    echo(f"\nAltogether: {total.text if left else 'nothing is left to train'}.", err=True)


def _finish(stage: Stage, runs: Path) -> RunDirectory | None:
    """Run a stage to its end and return its run; the error of a study does not end the series."""
    name = stage.request.study.name
    if stage.is_done and stage.found is not None:
        echo(f"{name}: done already, {stage.found.path.name}", err=True)
        return stage.found
    echo(f"{name} ...", err=True)
    try:
        with interruptible("What is done is kept: type it again to go on."):
            run = start_or_resume(stage, runs)
    except RunError as error:
        echo(f"{name}: {error!s}", err=True)
        return None
    again = "Type the same command again to go on with the others."
    if not follow(run, ask_what_to_do):
        echo(f"{run.name} goes on. {again}", err=True)
        sys.exit(INTERRUPTED)
    state = state_of(run, run.read_manifest())
    if state.state == "stopped":
        echo(f"Stopped: what is done is kept. {again}", err=True)
        sys.exit(INTERRUPTED)
    if state.state != "finished":
        echo(f"{name}: {state.state} {state.reason}".strip(), err=True)
    return run


def _report(done: Sequence[RunDirectory], output: Path) -> None:
    from experiments.report import write_report

    if not done:
        raise RunError("no study could be run: there is nothing to report.")
    write_report(done, output, title="Reproduction")
    many = "study" if len(done) == 1 else "studies"
    echo(f"{len(done)} {many}, report: {output!s}", err=True)


def _detach(runs: Path) -> None:
    runs.mkdir(parents=True, exist_ok=True)
    log = runs / _LOG
    words = [word for word in sys.argv[1:] if word != "--detach"]
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "experiments", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    echo(
        f"Process {process.pid} goes on without this terminal; {log!s} tells how far it "
        "is, and python -m experiments watch shows the run that is going on."
    )
