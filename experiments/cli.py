"""`python -m experiments`: list studies, run them, show what came of them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from data.errors import DataError
from data.terminal import SentenceGroup, console, table
from experiments.bench.cli import bench
from experiments.cli_run import run
from experiments.cli_runs import COMMANDS
from experiments.errors import RunError
from experiments.options import JSON_OPTION, RUNS_OPTION, print_result
from experiments.plan import Wish, make_plan
from experiments.results import collect
from experiments.studies import STUDIES
from experiments.study import PROTOCOLS
from networks.checks import ConfigError


class ExperimentsGroup(SentenceGroup):
    """Shows bad configs, runs and data as sentences."""

    bad_input = (DataError, ConfigError, RunError)


@click.group(cls=ExperimentsGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Studies of music-genre networks: list them, run them, look at the results."""


main.add_command(bench)
for command in (run, *COMMANDS):
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
        trials = [len(make_plan(study, Wish(protocol), "").trials) for protocol in PROTOCOLS]
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
