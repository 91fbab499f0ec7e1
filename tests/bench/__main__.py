"""`python -m tests.bench`: the program beside its rivals, on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from data.errors import DataError
from data.terminal.commands import SentenceGroup, interruptible
from data.terminal.console import console
from data.terminal.progress import ProgressBar
from experiments.errors import RunError
from networks.errors import ConfigError

if TYPE_CHECKING:
    from tests.bench.measure import Benchmark


REPEATS = click.IntRange(1, 1000)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
DATA_OPTION = click.option(
    "--data", "data_name", help="Dataset (default: the chosen one, else the demo)."
)


class BenchGroup(SentenceGroup):
    """Shows what cannot be measured as a sentence."""

    bad_input = (DataError, ConfigError, RunError)


@click.group(cls=BenchGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure the program beside its rivals, on this machine."""


@main.command()
@click.option(
    "--repeats",
    type=REPEATS,
    default=7,
    show_default=True,
    help="Of each measurement.",
)
@JSON_OPTION
def features(repeats: int, as_json: bool) -> None:
    """Features a second on one core, beside librosa (needs the extra 'bench')."""
    from tests.bench.features import bench_features

    _print(bench_features(repeats), as_json)


@main.command()
@click.option("--repeats", type=REPEATS, default=3, show_default=True, help="Of each measurement.")
@click.option(
    "--tracks",
    type=click.IntRange(6, 10_000),
    default=80,
    show_default=True,
    help="Recordings of each format, of 30 seconds.",
)
@JSON_OPTION
def build(repeats: int, tracks: int, as_json: bool) -> None:
    """Building a dataset from MP3 and WAV files, beside librosa (needs the extra 'bench').

    `python -m data build` from its start to its table, with one worker a core and with one, beside
    a script that loads the same files with librosa and computes features of the same
    shapes, in one process.
    """
    with interruptible("Nothing was measured to its end."):
        from tests.bench.build import bench_build

        with ProgressBar("bench build", 8 * repeats, "measurements") as bar:
            measured = bench_build(tracks, repeats, lambda: bar.advance(1, 1))
    _print(measured, as_json)


@main.command()
@click.option(
    "--repeats",
    type=REPEATS,
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
@DATA_OPTION
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
@JSON_OPTION
def train(
    repeats: int,
    only: tuple[str, ...],
    data_name: str | None,
    device: str,
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
    from data.sources.open import load_dataset
    from experiments.training.device import choose_device

    with interruptible("Nothing was measured to its end."):
        dataset = load_dataset(data_name)
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


@main.command()
@click.option(
    "--repeats",
    type=REPEATS,
    default=3,
    show_default=True,
    help="Of each measurement.",
)
@DATA_OPTION
@JSON_OPTION
def records(repeats: int, data_name: str | None, as_json: bool) -> None:
    """What recording costs a run, and how soon `watch` answers.

    Trains 64 feed-forward networks in lockstep and times all that is not training,
    with checkpoints ten times as often as in runs. Then `watch --once --json` of a
    run with 200 trials of 30 epochs, beside Python that does nothing.
    """
    from data.sources.open import load_dataset

    with interruptible("Nothing was measured to its end."):
        dataset = load_dataset(data_name)

        from tests.bench.records import bench_records

        measured = bench_records(dataset, repeats)
    _print(measured, as_json)


@main.command()
@click.option("--repeats", type=REPEATS, default=3, show_default=True, help="Of each measurement.")
@click.option(
    "--seeds", type=click.IntRange(1, 100), default=5, show_default=True, help="Trained by each."
)
@DATA_OPTION
@JSON_OPTION
def run(repeats: int, seeds: int, data_name: str | None, as_json: bool) -> None:
    """A whole study, typed as a user types it, beside the source's loop as a script.

    `python -m experiments run ffn-baseline --seeds 5` from its start to its table, with
    baselines, intervals and records: with empty folders, and again where this machine has
    run it before. The rival is a PyTorch script that trains the same networks with the
    source's loop and prints their test accuracies.
    """
    from data.sources.open import dataset_path

    with interruptible("Nothing was measured to its end."):
        path = dataset_path(data_name)

        from tests.bench.run import bench_run

        with ProgressBar("bench run", 3 * repeats, "measurements") as bar:
            measured = bench_run(path, seeds, repeats, lambda: bar.advance(1, 1))
    _print(measured, as_json)


@main.command()
@click.option(
    "--repeats",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="Of each measurement.",
)
@JSON_OPTION
def tui(repeats: int, as_json: bool) -> None:
    """How soon the terminal UI draws, and what it costs.

    From its start to the first screen, beside Python that does nothing; from a key to
    the last byte that it leads to, the slowest of several keys, with 1000 runs and with
    a run of 300 trials of 60 epochs, and where a screen is asked for the first time, with
    what it reads then; the processor's time and the bytes of a screen that
    nothing happens on, and of one that shows a run which ends an epoch of eight trials
    every second. Takes some minutes; progress goes to standard error.
    """
    from tests.bench.tui import bench_tui

    with interruptible("Nothing was measured to its end."):
        total = 2 + repeats + 4 + 2
        with ProgressBar("bench tui", total, "measurements") as bar:
            measured = bench_tui(repeats, lambda: bar.advance(1, 1), bar.note)
    _print(measured, as_json)


@main.command()
@click.option("--rows", type=click.IntRange(1000, 10**7), default=240_000, show_default=True)
@click.option("--runs", type=click.IntRange(1, 10**5), default=3000, show_default=True)
@click.option(
    "--beside",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Another checkout of the project, such as of a version before, measured in turn.",
)
@click.option(
    "--limit",
    type=click.FloatRange(1),
    default=300.0,
    show_default=True,
    help="Seconds, after which a command is ended.",
)
@click.option("--repeats", type=REPEATS, default=1, show_default=True, help="Of each measurement.")
@JSON_OPTION
def growth(
    rows: int, runs: int, beside: Path | None, limit: float, repeats: int, as_json: bool
) -> None:
    """What commands cost where there is much.

    Time, processor's time and peak memory of `python -m data audit` on many rows, and of
    `python -m experiments runs` on many runs: with an empty cache, and again.
    """
    from tests.bench.growth import bench_growth

    with interruptible("Nothing was measured to its end."):
        total = 3 * repeats * (2 if beside else 1)
        with ProgressBar("bench growth", total, "commands") as bar:
            measured = bench_growth(rows, runs, repeats, beside, limit, lambda: bar.advance(1, 1))
    _print(measured, as_json)


@main.command()
@click.option(
    "--minutes",
    type=click.IntRange(2, 1000),
    default=10,
    show_default=True,
    help="That the terminal UI watches eight trials.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=40.0,
    show_default=True,
    help="Epochs a second of each of them.",
)
@click.option(
    "--megabytes",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Of events that `watch --once` reads; they are written for it.",
)
@click.option(
    "--limit",
    type=click.FloatRange(1),
    default=600.0,
    show_default=True,
    help="Seconds, after which `watch --once` is ended.",
)
@JSON_OPTION
def watch(minutes: int, rate: float, megabytes: int, limit: float, as_json: bool) -> None:
    """What it costs to watch a long training.

    Memory and processor's time of the terminal UI in the first and the last minute beside
    eight trials, and the number of events by then; time and peak memory of `watch --once` on
    a long log of events, with the summary that lies beside it and without.
    """
    from tests.bench.watch import bench_watch

    with (
        interruptible("Nothing was measured to its end."),
        ProgressBar("bench watch", minutes + 3, "measurements") as bar,
    ):
        measured = bench_watch(minutes, rate, megabytes, limit, lambda: bar.advance(1, 1), bar.note)
    _print(measured, as_json)


def _print(measured: Benchmark, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(measured.to_dict()))
    else:
        measured.print(console())


if __name__ == "__main__":
    main(prog_name="python -m tests.bench")
