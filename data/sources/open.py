"""Loads the dataset that a command or a script names; the demo is made on first use."""

from __future__ import annotations

from pathlib import Path

from data.datasets.dataset import Dataset
from data.errors import DataError
from data.sources.demo import ensure_demo
from data.storage import catalogue, hdf5


def load_dataset(name: str | Path | None = None) -> Dataset:
    """Load a dataset with all its rows.

    Args:
        name: "demo", which is synthesised on first use (about a minute); a name that
            `list_datasets` gives; the path of an HDF5 file that ends in .h5; or None
            for the user's default.

    Returns:
        The dataset, in memory.

    Raises:
        DataError: there is none of this name, or its file is damaged.

    Example:
        >>> from data import load_dataset
        >>> music = load_dataset("demo")
        >>> music.genres
        ('blues', 'classical', 'pop', 'rock')
        >>> music.train.mfcc.shape
        (3200, 26)
    """
    name = catalogue.default_name() if name is None else str(name)
    if name.endswith(".h5"):
        return hdf5.load(dataset_path(name))
    if name != catalogue.DEMO:
        return catalogue.load(name)
    ensure_demo()
    try:
        return catalogue.load(name)
    except DataError:  # damaged: the demo can be made again
        ensure_demo(anew=True)
        return catalogue.load(name)


def dataset_path(name: str | Path | None) -> Path:
    """The file that `load_dataset` reads for a name, whether it is there or not."""
    name = catalogue.default_name() if name is None else str(name)
    return Path(name) if name.endswith(".h5") else catalogue.path_of(name)
