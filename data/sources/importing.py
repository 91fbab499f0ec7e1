"""Makes a dataset of features that others have extracted: arrays, or a table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data.datasets.dataset import Dataset
from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.files.arguments import check_whole, user_path
from data.files.plain import text_lines
from data.sources.array_files import SUFFIXES, find_arrays, map_npy
from data.sources.feature_table import read_table
from data.sources.labelled_arrays import ROLES, Role, listed, read_arrays, texts
from data.sources.labelled_rows import ImportReport, to_dataset
from data.sources.names import genre_name
from data.sources.npy_folder import about_npy_folder, is_npy_folder, read_npy_folder
from data.storage import catalogue, hdf5

_TABLES = (".csv", ".tsv", ".txt")


def import_dataset(
    path: str | Path,
    name: str | None = None,
    *,
    classes: Sequence[str] | str | Path | None = None,
    groups: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    transpose: bool = False,
    shares: Sequence[float] | None = None,
    seed: int | None = None,
    replace: bool = False,
) -> Dataset:
    """Make a dataset of labelled features of any width and add it to the user's datasets.

    Vectors (n, d) become the features that feed-forward networks read, images (n, t, f) those
    of convolutional ones.

    Args:
        path: a .npz or HDF5 file, a folder of .npy files, or a CSV file with a column of labels,
            such as GTZAN's features_3_sec.csv.
        name: of the dataset; the file's or folder's name if None.
        classes: names of the classes that labels number from 0, or a file with one a line.
        groups: a file with the track of each row (.npy, or text with one a line), or the name of
            an array or column that has them.
        columns: names of arrays or columns by what they hold (features, label, classes, track,
            artist, start, split), where they are not recognised.
        transpose: images are (n, f, t), not (n, t, f).
        shares: of the tracks in train, validation and test where the rows are not split yet;
            (0.60, 0.15, 0.25) if None.
        seed: of that split; 0 if None.
        replace: overwrite a dataset of this name.

    Returns:
        The dataset, in memory.

    Raises:
        DataError: an argument of the wrong type, arrays or cells that make no dataset, a name
            that is taken, or no space; nothing is written then.

    Example:
        >>> from data import import_dataset
        >>> music = import_dataset("features_3_sec.csv")  # doctest: +SKIP
    """
    path = user_path("path", path)
    check_whole("seed", seed, 0)
    name = default_name(path) if name is None else name
    with catalogue.making(name, replace=replace) as target:
        report = read_foreign(
            path,
            name,
            classes=classes,
            groups=groups,
            columns={} if columns is None else columns,
            transpose=transpose,
            shares=shares,
            seed=seed,
        )
        hdf5.save(report.dataset, target)
    for sentence in report.warnings:
        warnings.warn(sentence, stacklevel=2)
    return report.dataset


def default_name(path: Path) -> str:
    """The name of a dataset made from a file or a folder; DataError if the path gives none."""
    return catalogue.name_for(path if path.is_dir() else path.with_suffix(""))


def read_foreign(
    path: Path,
    name: str,
    *,
    classes: Sequence[str] | str | Path | None = None,
    groups: str | Path | None = None,
    columns: Mapping[str, str],
    transpose: bool = False,
    shares: Sequence[float] | None = None,
    seed: int | None = None,
) -> ImportReport:
    """The dataset of labelled features; arguments and errors are those of `import_dataset`."""
    if is_npy_folder(path):
        if classes or groups or columns or transpose or shares is not None or seed is not None:
            raise DataError(
                f"{path} has the documented layout, which states classes and splits: leave the "
                "options of other arrays out."
            )
        return ImportReport(read_npy_folder(path, name))
    if not path.exists():
        raise DataError(f"there is no file or folder {path}.")
    roles = _roles(columns)
    class_names = None if classes is None else [*map(genre_name, _names("classes", classes))]
    tracks = None
    if groups is not None and not user_path("groups", groups).is_file():
        roles["track"] = str(groups)
    elif groups is not None:
        tracks = _names("groups", Path(groups))
    tables = sorted(file for file in path.glob("*.csv")) if path.is_dir() else []
    if tables and not about_foreign(path):
        raise DataError(f"{path} has no arrays, but a table: name it, such as {tables[0]}.")
    if path.suffix.lower() in _TABLES:
        if transpose:
            raise DataError(f"{path} is a table, which has no axes to transpose.")
        found = read_table(path, classes=class_names, groups=tracks, names=roles)
    else:
        found = read_arrays(
            path, classes=class_names, groups=tracks, names=roles, transpose=transpose
        )
    return to_dataset(name, found, shares, seed)


def about_foreign(path: Path) -> str | None:
    """What a file, or a folder of arrays, holds for `read_foreign`, in a sentence; None if nothing.

    Raises:
        DataError: a file cannot be read.
    """
    if about := about_npy_folder(path):
        return about
    if path.is_file() and path.suffix.lower() in _TABLES:
        return "A table of features."
    places = [path, *(path / word for word in SPLIT_WORDS)] if path.is_dir() else []
    files = [file for place in places if place.is_dir() for file in place.iterdir()]
    if path.is_dir() and not any(file.suffix.lower() in SUFFIXES for file in files):
        return None
    return f"Arrays: {listed(find_arrays(path))}."


def _roles(columns: Mapping[str, str]) -> dict[Role, str]:
    given = columns if isinstance(columns, Mapping) else {"": None}
    if given.keys() - set(ROLES) or not all(isinstance(name, str) for name in given.values()):
        raise DataError(
            f"columns must give the names of {', '.join(ROLES)}, such as "
            f'{{"label": "genre"}}. Received: {columns!r:.100}.'
        )
    return {role: given[role] for role in ROLES if role in given}


def _names(what: str, source: Any) -> list[str]:
    """Names that are given, or those in a file: an array, or text with one a line."""
    if isinstance(source, (list, tuple)) and all(isinstance(name, str) for name in source):
        return list(source)
    path = user_path(what, source)
    if path.suffix.lower() == ".npy":
        return texts(str(path), map_npy(path))
    return [line for line in text_lines(path, f"a file of {what}, one name a line") if line]
