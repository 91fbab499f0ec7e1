"""The dataset that a command asks for: named, a file, or the default; demo made on first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from data import catalogue, store
from data.dataset import Dataset
from data.terminal import ProgressBar

if TYPE_CHECKING:
    from data.extraction import Extracted, Skipped, Track


def open_dataset(name: str | None, workers: int | None = None) -> Dataset:
    """Read a dataset, making the demo first where it is asked for and not there.

    Args:
        name: of a dataset, or path of an HDF5 file; None means the default.
        workers: processes that make the demo; as many as cores if None.

    Raises:
        DataError: there is none of this name, or it is damaged.
    """
    name = name or catalogue.default_name()
    if name.endswith(".h5"):
        return store.load(Path(name))
    if name == catalogue.DEMO:
        ensure_demo(workers)
    return catalogue.load(name)


def ensure_demo(workers: int | None = None, *, anew: bool = False) -> Path:
    """Make the demo dataset unless it is there already; its file.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    from data import demo

    if demo.is_made() and not anew:
        return catalogue.path_of(catalogue.DEMO)
    from data.extraction import default_workers

    with ProgressBar("making the demo music", demo.total_seconds(), "segments") as bar:

        def progress(track: Track, result: Extracted | Skipped) -> None:
            bar.advance(track.weight, track.weight)

        return demo.make(workers or default_workers(), progress)
