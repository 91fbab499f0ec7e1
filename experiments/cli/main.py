"""`python -m experiments`: list studies, run them, look at what came of them."""

from __future__ import annotations

from pathlib import Path

import click

from data.errors import DataError
from data.terminal.commands import SentenceGroup
from experiments.cli.export import export
from experiments.cli.options import JSON_OPTION, RUNS_OPTION, print_result
from experiments.cli.report import compare, report
from experiments.cli.reproduce import reproduce
from experiments.cli.run import run
from experiments.cli.runs import COMMANDS
from experiments.cli.search import search
from experiments.cli.studies import list_studies
from experiments.errors import RunError
from experiments.results.run_result import collect
from networks.models.checks import ConfigError


class ExperimentsGroup(SentenceGroup):
    """Shows bad configs, runs and data as sentences."""

    bad_input = (DataError, ConfigError, RunError)


@click.group(cls=ExperimentsGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Studies of music-genre networks: list them, run them, look at the results."""


@main.command()
@click.argument("run", metavar="[RUN]", default="latest")
@RUNS_OPTION
@JSON_OPTION
def show(run: str, runs: Path, as_json: bool) -> None:
    """Show a run's results.

    RUN is a folder, a name, the unique beginning of a name or id, or latest (the
    default).
    """
    from experiments.runs.listing import find

    print_result(collect(find(runs, run)), as_json)


for command in (list_studies, run, *COMMANDS, search, report, compare, export, reproduce):
    main.add_command(command)
