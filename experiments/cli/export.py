"""`python -m experiments export`: a run for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from data.files.atomic import commit
from data.terminal.commands import echo, interruptible
from data.terminal.console import console
from experiments.cli.options import run_argument
from experiments.errors import RunError
from experiments.results.run_result import RunResult, collect
from experiments.runs.directory import RunDirectory

if TYPE_CHECKING:
    from experiments.export.network_file import Kind


@click.command("export")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "json", "onnx", "keras"]),
    help="Tables, everything in one JSON object, or a trained network.",
)
@click.option("--portable", is_flag=True, help="The same as --format keras.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Where to: a folder for csv, else a file (default: json to standard output, the others "
    "named after the run).",
)
@click.option("--replace", is_flag=True, help="Write over what an earlier export left there.")
@click.option("--variant", help="Whose network (default: the run's best).")
@click.option("--seed", type=int, help="Of the network's trial (default: the best).")
@click.option("--fold", type=int, help="Of a run with folds, likewise.")
@click.option(
    "--data",
    "data_name",
    help="Dataset that the run trained on, where yours has gone (for networks).",
)
@run_argument(latest=True)
def export(
    run: RunDirectory,
    kind: Literal["csv", "json"] | Kind | None,
    portable: bool,
    output: Path | None,
    replace: bool,
    **network: Any,
) -> None:
    """Write a run for other programs to read.

    csv: the tables trials, epochs, confusion, predictions and, where there are any,
    baselines, with shares between 0 and 1 and nothing where nothing is known. Text
    that a spreadsheet would take for a formula is preceded by an apostrophe. A run
    that goes on exports what is there so far.

    json: all of that except the predictions; besides, every trial's configs and what
    the run was made with.

    onnx: the best trial's network of one variant, from features to probabilities, any
    number of rows at once. It is compared with Keras on the test rows, in batches of
    1, 7 and up to 512, and kept only if its probabilities differ by less than 1e-5.
    Needs the extra onnx.

    keras: the same network as a .keras file for Keras on TensorFlow, JAX or torch, with
    the channels of images last (the networks of a run have them first, which TensorFlow
    computes on some machines only), from features to logits. It is checked likewise.
    """
    if portable:
        if kind not in (None, "keras"):
            raise RunError(f"--portable is a network for Keras: leave --format {kind} out.")
        kind = "keras"
    if kind is None:
        raise RunError("name what to write with --format: csv, json, onnx or keras.")
    if kind in ("csv", "json") and any(value is not None for value in network.values()):
        raise RunError("--variant, --seed, --fold and --data belong to networks: leave them out.")
    result = collect(run)
    name = "-".join(run.path.resolve().parts[-2:])
    with interruptible("Nothing was written."):
        if kind == "csv":
            _csv(result, output or Path(f"{name}-csv"), replace)
        elif kind == "json":
            _json(result, output, replace)
        else:
            _network(result, kind, output or Path(f"{name}.{kind}"), replace, **network)


def _csv(result: RunResult, folder: Path, replace: bool) -> None:
    from experiments.export.csv_files import write_tables
    from experiments.export.tables import tables_of

    for path, rows in write_tables(tables_of(result), folder, replace=replace).items():
        echo(f"{path}: {rows} rows")


def _json(result: RunResult, path: Path | None, replace: bool) -> None:
    from experiments.export.as_json import as_text

    if path is None:
        echo(as_text(result))
        return
    _check_free(path, replace)
    with commit(path) as temporary:
        temporary.write_text(f"{as_text(result)}\n", encoding="ascii")
    echo(str(path))


def _network(
    result: RunResult,
    kind: Kind,
    path: Path,
    replace: bool,
    variant: str | None,
    seed: int | None,
    fold: int | None,
    data_name: str | None,
) -> None:
    from data.sources.open import dataset_path
    from experiments.export.network_file import choose, write_network

    if kind == "keras" and path.suffix != ".keras":
        raise RunError(f"Keras loads files that end in .keras only. Received: -o {path}.")
    _check_free(path, replace)
    record = choose(result, variant, seed, fold)
    dataset = None if data_name is None else dataset_path(data_name)
    with console(stderr=True).status("converting the network and checking it"):
        written = write_network(result, record, kind, path, dataset)
    trial = record.trial
    of = "" if trial.fold is None else f"fold {trial.fold.number}, "
    echo(
        f"{path}: {written.size / 1000:.0f} kB, {record.variant}, {of}seed {trial.seed}, "
        f"trial {trial.id}. Its probabilities differ from the run's by at most "
        f"{written.difference:.1e} on the {written.rows} test rows."
    )


def _check_free(path: Path, replace: bool) -> None:
    if path.is_dir():
        raise RunError(f"{path} is a folder: name a file with -o.")
    if path.exists() and not replace:
        raise RunError(f"there is a file {path} already: name another with -o, or add --replace.")
