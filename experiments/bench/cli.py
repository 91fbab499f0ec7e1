"""`python -m experiments bench`."""

from __future__ import annotations

import json

import click

from data.terminal import console


@click.group()
def bench() -> None:
    """Measure the program beside its rivals, on this machine."""


@bench.command()
@click.option(
    "--repeats",
    type=click.IntRange(1, 1000),
    default=7,
    show_default=True,
    help="Of each measurement.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def features(repeats: int, as_json: bool) -> None:
    """Features a second on one core, beside librosa (needs the extra 'bench')."""
    from experiments.bench.features import bench_features

    measured = bench_features(repeats)
    if as_json:
        click.echo(json.dumps(measured.to_dict()))
    else:
        measured.print(console())
