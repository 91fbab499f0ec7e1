"""`python -m data audit`: may one trust figures on this dataset?"""

from __future__ import annotations

import json

import click

from data.terminal.commands import interruptible
from data.terminal.progress import ProgressBar
from data.terminal.text import clean


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
    from data.audit import FITS
    from data.audit import audit as audit_dataset
    from data.audit.reading import open_suspect
    from data.audit.report import print_audit

    with interruptible("Nothing was changed."):
        dataset = open_suspect(name)
        with ProgressBar(f"auditing {clean(dataset.name)}", FITS, "classifiers") as bar:
            found = audit_dataset(dataset, lambda: bar.advance(1, 1))
    if as_json:
        click.echo(json.dumps(found.to_dict()))
    else:
        print_audit(found)
    if found.leaks:
        context.exit(1)
