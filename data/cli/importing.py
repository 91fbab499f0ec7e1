"""The command `import`: features that others have extracted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from data.cli.make import NOTHING_KEPT, parse_columns, parse_shares, print_summary
from data.storage import catalogue, hdf5
from data.terminal.commands import echo, interruptible


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the dataset (default: that of the file or folder).")
@click.option("--replace", is_flag=True, help="Replace a dataset of this name.")
@click.option(
    "--classes", metavar="A,B,...", help="Classes that labels number from 0; or a file of them."
)
@click.option(
    "--groups",
    metavar="NAME",
    help="Array, column, .npy or text file with the track of each row, to split whole tracks.",
)
@click.option(
    "--columns",
    metavar="WHAT=NAME,...",
    help="Names of columns or arrays: features, label, classes, track, artist, start, split.",
)
@click.option("--transpose", is_flag=True, help="Images are (n, f, t), not (n, t, f).")
@click.option(
    "--shares",
    metavar="A/B/C",
    help="Per cent in train, validation and test, where that is not stated (default: 60/15/25).",
)
@click.option("--seed", type=click.IntRange(0), help="Of that split (default: 0).")
def import_features(
    path: Path,
    name: str | None,
    replace: bool,
    classes: str | None,
    groups: str | None,
    columns: str | None,
    transpose: bool,
    shares: str | None,
    seed: int | None,
) -> None:
    """Import features that others have extracted.

    PATH is a .npz or HDF5 file of labelled arrays, a folder of .npy files, a CSV file of
    numbers with a column of labels (such as GTZAN's features_3_sec.csv), or a folder in the
    documented layout {train,val,test}/{mfccs,melgrams}/{X,labels}.npy.

    Vectors (n, d) are what feed-forward networks read, images (n, t, f) convolutional ones.
    """
    from data.sources.importing import default_name, read_foreign

    name = name or default_name(path)
    with interruptible(NOTHING_KEPT), catalogue.making(name, replace=replace) as target:
        report = read_foreign(
            path,
            name,
            classes=_listed(classes),
            groups=groups,
            columns=parse_columns(columns),
            transpose=transpose,
            shares=parse_shares(shares),
            seed=seed,
        )
        hdf5.save(report.dataset, target)
    for sentence in report.notes:
        echo(sentence)
    print_summary(name, target)
    for sentence in report.warnings:
        echo(f"\nWarning: {sentence}")


def _listed(text: str | None) -> str | Sequence[str] | None:
    """Names that commas separate; else the path of a file."""
    if text is None or "," not in text:
        return text
    return [name.strip() for name in text.split(",")]
