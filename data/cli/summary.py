"""Prints the summary of a dataset."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from data.datasets.dataset import SPLITS
from data.storage import hdf5
from data.storage.summary import count_rows, describe
from data.terminal.console import console, table


def print_summary(name: str, path: Path) -> None:
    """Print a dataset's summary on standard output.

    Raises:
        DataError: the file is not there or damaged.
    """
    summary = hdf5.summarise(path)
    dataset = hdf5.load(path, name)
    printer = console()
    printer.print(Text(f"{name}: one-second segments", style="bold"))
    printer.print(table(["genre", *SPLITS, "all"], count_rows(dataset)))
    for label, line in describe(dataset, summary, path).items():
        printer.print(Text(f"{label:<9}", style="dim") + Text(line), soft_wrap=True)
