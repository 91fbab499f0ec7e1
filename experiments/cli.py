"""`python -m experiments`: list studies, run them, show what came of them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from data.errors import DataError
from data.terminal import SentenceGroup, console, interruptible, table
from experiments.bench.cli import bench
from experiments.cli_runs import COMMANDS, follow_to_results
from experiments.errors import RunError
from experiments.launch import start
from experiments.options import DETACH_OPTION, JSON_OPTION, RUNS_OPTION, print_result
from experiments.plan import make_plan
from experiments.request import CHECKPOINT_SECONDS, Computing, Request
from experiments.results import collect
from experiments.studies import STUDIES
from experiments.study import PROTOCOLS, Protocol
from networks.backend import require_torch
from networks.checks import ConfigError
from networks.lockstep import PRECISIONS, Precision


class ExperimentsGroup(SentenceGroup):
    """Shows bad configs, runs and data as sentences."""

    bad_input = (DataError, ConfigError, RunError)


@click.group(cls=ExperimentsGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Studies of music-genre networks: list them, run them, look at the results."""


main.add_command(bench)
for command in COMMANDS:
    main.add_command(command)


@main.command("list")
@JSON_OPTION
def list_studies(as_json: bool) -> None:
    """List the studies."""
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "name": study.name,
                        "question": study.question,
                        "features": study.features,
                        "variants": [
                            {
                                "name": variant.name,
                                "documented": [f.to_dict() for f in variant.documented],
                            }
                            for variant in study.variants
                        ],
                    }
                    for study in STUDIES.values()
                ],
                indent=2,
            )
        )
        return
    rows = []
    for study in STUDIES.values():
        best = study.documented_best
        trials = [len(make_plan(study, protocol, "").trials) for protocol in PROTOCOLS]
        figure = f"{best.accuracy:.2f}" if best else ""
        reads = {"mfcc": "MFCC", "mel": "mel"}[study.features]
        rows.append([study.name, study.question, reads, f"{trials[0]} / {trials[1]}", figure])
    columns = ["study", "question", "reads", "trials", "documented %"]
    console().print(table(columns, rows, left=3))
    click.echo("\ntrials: of the documented / the controlled protocol.")
    click.echo(
        "documented %: best accuracy reported by source A, the project that is repeated here."
    )


@main.command()
@click.argument("study", type=click.Choice(list(STUDIES)), metavar="STUDY")
@click.option("--data", "data_name", help="Dataset (default: the chosen one, else the demo).")
@click.option(
    "--protocol",
    type=click.Choice(PROTOCOLS),
    default="documented",
    show_default=True,
    help="What the source ran, or the same budget and several seeds for every variant.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), help="Seeds (default: 1, controlled: 5).")
@click.option("--epochs", type=click.IntRange(1, 100_000), help="Of every training.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="What trains.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Of the CPU, in each process; more help large networks on an idle machine only.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    help="Processes on the CPU (default: one a core, no more than there is work for).",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="Of products; tf32 on NVIDIA GPUs. What is kept is float32.",
)
@click.option(
    "--checkpoint-seconds",
    type=click.FloatRange(0, 86_400),
    default=CHECKPOINT_SECONDS,
    show_default=True,
    help="Between two checkpoints, at least.",
)
@DETACH_OPTION
@RUNS_OPTION
@JSON_OPTION
def run(
    study: str,
    data_name: str | None,
    protocol: Protocol,
    seeds: int | None,
    epochs: int | None,
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

    STUDY is one of those that `list` shows. Progress goes to standard error. The run
    is a process of its own: it goes on when this terminal closes. Ctrl-C asks
    whether to leave it or to stop it; where nobody can be asked it stops the run at
    the end of the epoch. Ctrl-C again ends it at once.
    """
    from data.opening import dataset_path, open_dataset

    require_torch()
    computing = Computing(device, threads, workers, precision, checkpoint_seconds)
    with interruptible("Nothing was written."):
        dataset = open_dataset(data_name)
        dataset.features(STUDIES[study].features, "train")
        path = dataset_path(data_name)
        with console(stderr=True).status("starting the run"):
            made = start(Request(study, path, protocol, seeds, epochs, computing), runs)
    follow_to_results(made, detach, as_json)


@main.command()
@click.argument("run", metavar="[RUN]", default="latest")
@RUNS_OPTION
@JSON_OPTION
def show(run: str, runs: Path, as_json: bool) -> None:
    """Show a run's results.

    RUN is a folder, a name, the unique beginning of a name or id, or latest (the
    default).
    """
    from experiments.run_folder import find

    print_result(collect(find(runs, run)), as_json)
