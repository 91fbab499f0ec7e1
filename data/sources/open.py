"""Loads the dataset that a command or a script names; the demo is made on first use."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from data.audio.parameters import Features
from data.datasets.dataset import Dataset, check_there
from data.errors import DataError
from data.sources.demo import ensure_demo
from data.storage import catalogue, hdf5

T = TypeVar("T")


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
    return _read(name, hdf5.load)


def summarise_dataset(
    name: str | Path | None = None, features: Collection[Features] = ()
) -> hdf5.Summary:
    """Genres, numbers of rows and content hash of a dataset, without reading its rows.

    Raises:
        DataError: there is no such dataset, its file is damaged, or it lacks the features.
    """
    summary = _read(name, hdf5.summarise)
    check_there(features, summary.shapes, dataset_path(name).stem)
    return summary


def _read(name: str | Path | None, read: Callable[[Path], T]) -> T:
    name = _text(name)
    if name != catalogue.DEMO:
        return read(existing_file(name))
    ensure_demo()
    try:
        return read(catalogue.existing_path(name))
    except DataError:  # damaged: the demo can be made again
        ensure_demo(anew=True)
        return read(catalogue.existing_path(name))


def existing_file(name: str) -> Path:
    """The .h5 file of a path, or of a dataset that is there; DataError if none has the name."""
    return _path(name) or catalogue.existing_path(name)


def dataset_path(name: str | Path | None) -> Path:
    """The file that `load_dataset` reads for a name, whether it is there or not."""
    name = _text(name)
    return _path(name) or catalogue.path_of(name)


def _path(name: str) -> Path | None:
    # `Path.expanduser` raises for the home of an unknown user.
    return Path(os.path.expanduser(name)) if name.endswith(".h5") else None


def _text(name: str | Path | None) -> str:
    if name is None:
        return catalogue.default_name()
    if not isinstance(name, (str, os.PathLike)):
        raise DataError(
            "expected the name of a dataset or the path of its .h5 file, as a text or a path. "
            f"Received: {name!r:.100}."
        )
    return str(name)
