"""`python -m data audit`: looks for leaks in a dataset and prints the findings."""

from __future__ import annotations

import json

import click
from rich.text import Text

from data import auditing
from data.auditing.findings import Audit, Severity, Size, number
from data.datasets.dataset import SPLITS
from data.storage.summary import segments_name
from data.terminal.commands import echo, interruptible
from data.terminal.console import console, table
from data.terminal.progress import ProgressBar

_STYLES: dict[Severity, str] = {
    "leak": "bold red",
    "warning": "yellow",
    "unknown": "dim",
    "fine": "green",
}
_MARGIN = 9  # columns


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def audit(context: click.Context, name: str | None, as_json: bool) -> None:
    """Look for leaks between a dataset's splits, and for what else spoils figures.

    NAME is a dataset or an .h5 file. The exit code is 1 where a track, a copy of one,
    or rows that follow each other are in two splits, and 0 where there are only
    warnings.
    """
    with interruptible("Nothing was changed."):
        dataset = auditing.load_for_audit(name)
        with ProgressBar(
            f"auditing {dataset.name}", auditing.most_fits(dataset), "classifiers"
        ) as bar:
            found = auditing.audit(dataset, lambda: bar.advance(1, 1))
    if as_json:
        echo(json.dumps(found.to_dict()))
    else:
        print_audit(found, segments_name(dataset.parameters))
    if found.leaks:
        context.exit(1)


def print_audit(found: Audit, segments: str) -> None:
    """Print an audit on standard output; `segments` names the rows."""
    printer = console()
    total = sum(size.segments for splits in found.classes.values() for size in splits.values())
    printer.print(Text(f"{found.name}: {total} {segments}", style="bold"))
    rows = [
        [genre, *(_size(splits[split]) for split in SPLITS)]
        for genre, splits in found.classes.items()
    ]
    printer.print(table(["genre", *SPLITS], rows))
    for finding in found.findings:
        lines = [finding.sentence]
        lines += [f"  {example}" for example in finding.to_dict()["examples"]]
        left_out = len(finding.examples) - len(lines) + 1
        lines += [f"  and {left_out} more"] * (left_out > 0)
        lines += [f"-> {finding.advice}"] * bool(finding.advice)
        for place, line in enumerate(lines):
            begin = finding.severity if place == 0 else ""
            margin = Text(f"{begin:<{_MARGIN}}", style=_STYLES[finding.severity])
            style = "dim" if place else ""
            printer.print(margin + Text(line, style=style), soft_wrap=True)
    warnings, leaks = (
        sum(finding.severity == severity for finding in found.findings)
        for severity in ("warning", "leak")
    )
    outcome = f"{number(leaks, 'leak')} found" if leaks else "No leak found"
    printer.print(Text(f"{outcome}, {number(warnings, 'warning')}.", style="bold"))


def _size(size: Size) -> str:
    segments = number(size.segments, "segment")
    return segments if size.tracks is None else f"{segments} of {number(size.tracks, 'track')}"
