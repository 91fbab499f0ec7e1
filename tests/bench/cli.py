"""`python -m experiments bench`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from data.terminal.commands import interruptible
from data.terminal.console import console
from data.terminal.progress import ProgressBar

if TYPE_CHECKING:
    from experiments.training.device import DeviceChoice
    from tests.bench.measure import Benchmark


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
    from tests.bench.features import bench_features

    _print(bench_features(repeats), as_json)


@bench.command()
@click.option(
    "--repeats",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="Rounds; each takes every measurement once.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="TEXT",
    help="Measure what has this in its name, such as ffn-sgd or ours-64; may be repeated.",
)
@click.option("--data", "data_name", help="Dataset (default: the chosen one, else the demo).")
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
    help="Of the CPU.",
)
@click.option(
    "--epochs",
    type=click.IntRange(2, 100_000),
    help="Of each measurement, the first left out (default: 6, CNN: 3).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def train(
    repeats: int,
    only: tuple[str, ...],
    data_name: str | None,
    device: DeviceChoice,
    threads: int,
    epochs: int | None,
    as_json: bool,
) -> None:
    """Training speed beside PyTorch loops and keras.Model.fit.

    Counts epochs of single trials a second, in the documented settings. Each
    measurement is a process of its own, one after another. Ours is charged with
    validation and callbacks, its rivals train only. The share is that of the
    machine's matrix-product rate in float32. On a CPU the CNN trains on 640 rows;
    without mel-spectrograms it gets random numbers. Takes minutes; progress goes to
    standard error.
    """
    from data.sources.open import open_dataset
    from experiments.training.device import choose_device
    from networks.training.backend import require_torch

    require_torch()
    with interruptible("Nothing was measured to its end."):
        dataset = open_dataset(data_name)
        chosen = choose_device(device)

        from tests.bench.measurements import choose_measurements
        from tests.bench.train import bench_train

        measurements = choose_measurements(chosen, only)
        total = repeats * (1 + len(measurements))
        with ProgressBar("bench train", total, "measurements") as bar:
            measured = bench_train(
                dataset,
                measurements,
                repeats,
                device=chosen,
                threads=threads,
                epochs=epochs,
                begins=bar.note,
                ended=lambda: bar.advance(1, 1),
            )
    _print(measured, as_json)


@bench.command()
@click.option(
    "--repeats",
    type=click.IntRange(1, 1000),
    default=3,
    show_default=True,
    help="Of each measurement.",
)
@click.option("--data", "data_name", help="Dataset (default: the chosen one, else the demo).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def records(repeats: int, data_name: str | None, as_json: bool) -> None:
    """What recording costs a run, and how soon `watch` answers.

    Trains 64 feed-forward networks in lockstep and times all that is not training,
    with checkpoints ten times as often as in runs. Then `watch --once --json` of a
    run with 200 trials of 30 epochs, beside Python that does nothing.
    """
    from data.sources.open import open_dataset
    from networks.training.backend import require_torch

    require_torch()
    with interruptible("Nothing was measured to its end."):
        dataset = open_dataset(data_name)

        from tests.bench.records import bench_records

        measured = bench_records(dataset, repeats)
    _print(measured, as_json)


def _print(measured: Benchmark, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(measured.to_dict()))
    else:
        measured.print(console())
