"""`python -m experiments show`, `report` and `compare`: the results of runs."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import click

from data.terminal.commands import echo
from data.terminal.console import console
from data.terminal.text import size_text
from experiments.cli.follow import print_result
from experiments.cli.options import JSON_OPTION, RUNS_OPTION, run_argument
from experiments.results.run_result import collect
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import find


@click.command()
@run_argument(latest=True)
@JSON_OPTION
def show(run: RunDirectory, as_json: bool) -> None:
    """Show a run's results."""
    print_result(collect(run), as_json)


@click.command()
@click.argument("runs_named", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file (default: report-STUDY.html here).",
)
@click.option("--title", help="Of the file (default: the study's name).")
@click.option("--replace", is_flag=True, help="Replace the file even if it is no report.")
@RUNS_OPTION
def report(
    runs_named: Sequence[str], output: Path | None, title: str | None, replace: bool, runs: Path
) -> None:
    """Write one HTML file about one run or several: tables, plots, statistics.

    RUN is a folder, a name, the unique beginning of a name or id, or latest. The file
    needs no network and no other file; an earlier report is replaced.
    """
    from experiments.report import write_report

    found = [find(runs, name) for name in runs_named]
    path = output or Path(f"report-{_studies(found)}.html")
    with console(stderr=True).status("writing the report"):
        write_report(found, path, title, replace=replace)
    echo(f"Wrote {path} ({size_text(path.stat().st_size)}).")


@click.command()
@click.argument("runs_named", metavar="RUN...", nargs=-1, required=True)
@RUNS_OPTION
@JSON_OPTION
def compare(runs_named: Sequence[str], runs: Path, as_json: bool) -> None:
    """Compare runs, the first against each other; of one run, its variants.

    RUN is a folder, a name, the unique beginning of a name or id, or latest. Several runs
    are shown with what differs between them, and the same variants beside each other.
    """
    from experiments.display.comparison_tables import analysis_view, comparison_view
    from experiments.results.analysis import analyse
    from experiments.results.comparison import compare as compare_runs

    found = [find(runs, name) for name in runs_named]
    if len(found) > 1:
        compared = compare_runs(found)
        plain, view = compared.to_dict(), comparison_view(compared)
    else:
        result = collect(found[0])
        analysis = analyse(result)
        plain = {"runs": [result.to_dict()], "statistics": analysis.to_dict()}
        view = analysis_view(result, analysis)
    if as_json:
        echo(json.dumps(plain))
    else:
        console().print(view)


def _studies(runs: Sequence[RunDirectory]) -> str:
    """The study of runs, for a file's name; what it may not hold becomes a dash."""
    studies = {run.read_manifest().study for run in runs}
    if len(studies) > 1:
        return f"{len(runs)}-runs"
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", studies.pop()).strip("-")[:60] or "run"
