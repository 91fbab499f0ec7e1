"""The dataset that a command asks for: named, a file, or the default; demo made on first use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from data.datasets.dataset import Dataset
from data.errors import DataError
from data.sources.demo_tracks import VERSION, demo_tracks
from data.storage import catalogue, hdf5
from data.terminal.progress import ProgressBar

if TYPE_CHECKING:
    from data.audio.extraction import Extracted, Skipped, Track


def open_dataset(name: str | None) -> Dataset:
    """Read a dataset, making the demo first where it is asked for and not there.

    Args:
        name: of a dataset, or path of an HDF5 file that ends in .h5; None means
            the default.

    Raises:
        DataError: there is none of this name, or it is damaged.
    """
    name = catalogue.default_name() if name is None else name
    if name.endswith(".h5"):
        return hdf5.load(dataset_path(name))
    if name != catalogue.DEMO:
        return catalogue.load(name)
    ensure_demo()
    try:
        return catalogue.load(name)
    except DataError:  # damaged, and ours to mend
        ensure_demo(anew=True)
        return catalogue.load(name)


def dataset_path(name: str | None) -> Path:
    """The file that `open_dataset` reads for a name."""
    name = catalogue.default_name() if name is None else name
    return Path(name) if name.endswith(".h5") else catalogue.path_of(name)


def ensure_demo(workers: int | None = None, *, anew: bool = False) -> Path:
    """Make the demo dataset unless it is there already; its file.

    Args:
        workers: processes that make it; as many as cores if None.
        anew: make it even if it is there.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    if _demo_is_made() and not anew:
        return catalogue.path_of(catalogue.DEMO)

    from data.audio.extraction import default_workers
    from data.sources import demo

    seconds = sum(track.seconds for track in demo_tracks())
    with ProgressBar("making the demo music", seconds, "segments") as bar:

        def progress(track: Track, result: Extracted | Skipped) -> None:
            bar.advance(track.weight, track.weight)

        return demo.make(workers or default_workers(), progress)


def _demo_is_made() -> bool:
    try:
        provenance = hdf5.summarise(catalogue.path_of(catalogue.DEMO)).provenance
    except DataError:
        return False
    return provenance.get("kind") == "demo" and provenance.get("version") == VERSION
