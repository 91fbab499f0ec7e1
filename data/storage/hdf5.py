"""One HDF5 file per dataset: written whole or not at all, checked before it is read.

Groups `train`, `validation` and `test` hold `mfcc` or `mel` or both, `label`, `track` and
`start` (where known). The root's attributes are `genres`, `schema_version`, `content_sha256`,
`provenance` and `features` (both JSON); the root's datasets `track_names` and `track_artists`
name the tracks and their artists, where those are known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from data.audio.parameters import DOCUMENTED, KINDS, FeatureParameters, Features
from data.datasets.dataset import (
    SPLITS,
    ArrayDigest,
    Dataset,
    Split,
    SplitName,
    content_hash,
)
from data.errors import DataError
from data.files.atomic import check_space, commit, writing
from data.storage.hdf5_checks import DTYPES, FEATURES, TRACK_TEXTS, check_file, schema_version

SCHEMA_VERSION = 2
_UNITS = {"mel": "dB relative to the segment's maximum", "start": "seconds"}


@dataclass(frozen=True)
class Summary:
    """Attributes of a dataset file, without its rows.

    Args:
        genres: class names in label order.
        rows: number of segments of each split.
        tracks: number of named tracks, 0 where they are unknown.
        artists: number of artists, 0 where they are unknown.
        shapes: of a row of each kind of features that there is.
        parameters: of segments and features; None where they are not known.
        content_sha256: hash of all rows and names, as stored in the file.
        provenance: where the rows came from.
        size: of the file, in bytes.
    """

    genres: tuple[str, ...]
    rows: Mapping[SplitName, int]
    tracks: int
    artists: int
    shapes: Mapping[Features, tuple[int, ...]]
    parameters: FeatureParameters | None
    content_sha256: str
    provenance: Mapping[str, Any]
    size: int

    @property
    def has_mel(self) -> bool:
        """Whether there are mel-spectrograms."""
        return "mel" in self.shapes


@dataclass(frozen=True)
class RowReader:
    """Reads single rows of a dataset's file, without the others.

    Args:
        path: of the file, checked.
        content_sha256: hash stored in the file; it is not compared with the rows.
        track_names: that `Split.track` numbers, maybe none.
        parameters: of segments and features; None where they are not known.
    """

    path: Path
    content_sha256: str
    track_names: tuple[str, ...]
    parameters: FeatureParameters | None

    @classmethod
    def of(cls, path: Path) -> RowReader:
        """A reader of a file.

        Raises:
            DataError: there is no such file, it is damaged, or no dataset of ours.
        """
        with _opened(path) as file:
            summary, names = _summarise(file, path), _texts(file, "track_names")
            return cls(path, summary.content_sha256, names, summary.parameters)

    def read(self, split: SplitName, begin: int, end: int) -> Split:
        """Rows `begin` to `end` - 1 of a split, with all their features.

        Raises:
            DataError: the file has not so many rows, or is not what it was any more.
        """
        with _opened(self.path) as file:
            _summarise(file, self.path)  # it may be another file by now
            found = _split(file[split], slice(begin, end))
        if not 0 <= begin <= end or len(found) != end - begin:
            raise DataError(
                f"{self.path} has no {split} rows {begin} to {end - 1}: it is not the file that "
                "it was any more."
            )
        return found


def write(
    path: Path,
    genres: tuple[str, ...],
    track_names: tuple[str, ...],
    provenance: Mapping[str, Any],
    shapes: Mapping[SplitName, Mapping[str, tuple[int, ...]]],
    blocks: Iterable[tuple[SplitName, Mapping[str, npt.NDArray[Any]]]],
    parameters: FeatureParameters | None = None,
    track_artists: tuple[str, ...] = (),
) -> None:
    """Write a dataset file block by block, so that it never is in memory whole.

    Args:
        path: of the file, which is replaced when all is written.
        genres: class names in label order.
        track_names: maybe none.
        provenance: JSON-ready facts about where the rows came from.
        shapes: of each array of each split, its number of rows first.
        blocks: the rows in order, split by split: some of each array of a split at a time.
        parameters: of segments and features; None where they are not known.
        track_artists: of each track, maybe none.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    size = sum(
        np.dtype(DTYPES[name]).itemsize * math.prod(shape)
        for of in shapes.values()
        for name, shape in of.items()
    )
    with writing(path):
        check_space(path, size)
    digests: dict[str, ArrayDigest] = {}
    with commit(path) as temporary, h5py.File(temporary, "w") as file:
        for split, arrays in blocks:
            if split not in file:
                for name, shape in shapes[split].items():
                    dtype = np.dtype(DTYPES[name])
                    made = file.create_dataset(f"{split}/{name}", shape, dtype)
                    if name in _UNITS:
                        made.attrs["units"] = _UNITS[name]
                    digests[f"{split}/{name}"] = ArrayDigest(dtype, shape[1:])
            for name, values in arrays.items():
                values = np.ascontiguousarray(values, dtype=DTYPES[name])
                digest = digests[f"{split}/{name}"]
                file[split][name][digest.rows : digest.rows + len(values)] = values
                digest.update(values)
        file.attrs["schema_version"] = _version(shapes.values(), track_artists)
        file.attrs["genres"] = list(genres)
        file.attrs[FEATURES] = _features_json(parameters, provenance)
        file.attrs["provenance"] = json.dumps(dict(provenance))
        for name, texts in (("track_names", track_names), ("track_artists", track_artists)):
            if texts:
                encoded = [text.encode() for text in texts]
                dtype = h5py.string_dtype("utf-8", max(map(len, encoded)))
                file[name] = np.array(encoded, dtype=dtype)
        file.attrs["content_sha256"] = content_hash(genres, track_names, digests, track_artists)


def _features_json(parameters: FeatureParameters | None, provenance: Mapping[str, Any]) -> str:
    """What a file says of its features; of foreign ones, what whoever imported them knew."""
    if parameters is not None:
        return parameters.to_json()
    about = provenance.get("features")
    return json.dumps({} if about is None else {"imported": about})


def save(dataset: Dataset, path: Path) -> None:
    """Write a dataset to an HDF5 file.

    Raises:
        DataError: the disk is full or the folder cannot be written.
    """
    arrays = {split: dict(rows.arrays()) for split, rows in dataset.splits()}
    shapes = {
        split: {name: values.shape for name, values in of.items()} for split, of in arrays.items()
    }
    write(
        path,
        dataset.genres,
        dataset.track_names,
        dataset.provenance,
        shapes,
        arrays.items(),
        dataset.parameters,
        dataset.track_artists,
    )


def _version(
    shapes: Iterable[Mapping[str, tuple[int, ...]]], track_artists: tuple[str, ...]
) -> int:
    """The lowest version of the schema whose readers read such a file."""
    rows = [{kind: of[kind][1:] for kind in KINDS if kind in of} for of in shapes]
    known = DOCUMENTED.shapes.items()
    is_old = all("mfcc" in row and row.items() <= known for row in rows) and not track_artists
    return 1 if is_old else SCHEMA_VERSION


def load(
    path: Path,
    name: str | None = None,
    *,
    with_mel: bool = True,
    dataset_type: type[Dataset] = Dataset,
) -> Dataset:
    """Read a dataset from an HDF5 file.

    Args:
        name: of the dataset; the file's name if None.
        with_mel: read the mel-spectrograms, too, where there are others: nearly all of the
            file. Without them damaged rows go unnoticed.
        dataset_type: class to create; an audit's accepts tracks in several splits.

    Raises:
        DataError: there is no such file, it is damaged, of a newer schema, or
            not one that `save` writes.
    """
    with _opened(path) as file:
        summary = _summarise(file, path)
        splits = {split: _split(file[split], slice(None), with_mel=with_mel) for split in SPLITS}
        tracks, artists = (_texts(file, name) for name in TRACK_TEXTS)
    try:
        dataset = dataset_type(
            name=name or path.stem,
            genres=summary.genres,
            track_names=tracks,
            track_artists=artists,
            provenance=summary.provenance,
            parameters=summary.parameters,
            **splits,
        )
    except DataError as error:
        raise DataError(f"{path} cannot be used: {error}") from error
    complete = dataset.shapes.keys() == summary.shapes.keys()
    if complete and dataset.content_sha256 != summary.content_sha256:
        raise DataError(
            f"{path} is damaged: its rows do not match their hash. Make it again with "
            "python -m data (demo, import or build)."
        )
    return dataset


def summarise(path: Path) -> Summary:
    """Read the attributes of a dataset file, without its rows.

    Raises:
        DataError: as `load`, except that damaged rows go unnoticed.
    """
    with _opened(path) as file:
        return _summarise(file, path)


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    try:
        if not path.is_file():
            raise FileNotFoundError
        with h5py.File(path, "r") as file:
            yield file
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"there is no dataset file {path}.") from error
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: permission denied.") from error
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(
            f"{path} is no HDF5 dataset file, or it is damaged ({reason}). "
            "Make it again with python -m data (demo, import or build)."
        ) from error


def _summarise(file: h5py.File, path: Path) -> Summary:
    version = schema_version(file)
    if version is None or version < 1:
        raise DataError(
            f"{path} is an HDF5 file, but no dataset of ours: it has no schema_version. Use "
            "python -m data import or build to make one."
        )
    if version > SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema version {version}; this program knows up to {SCHEMA_VERSION}. "
            "Install a newer genre-tui, or make the dataset again."
        )
    shapes = check_file(file, path)
    provenance = json.loads(file.attrs["provenance"])
    if not isinstance(provenance, dict):
        raise DataError(f"{path} is damaged: its provenance is no JSON object.")
    return Summary(
        genres=tuple(str(genre) for genre in file.attrs["genres"]),
        rows={split: len(file[split]["label"]) for split in SPLITS},
        tracks=len(file["track_names"]) if "track_names" in file else 0,
        artists=len(set(_texts(file, "track_artists")) - {""}),
        shapes=shapes,
        parameters=_parameters(file, path),
        content_sha256=str(file.attrs["content_sha256"]),
        provenance=provenance,
        size=path.stat().st_size,
    )


def _parameters(file: h5py.File, path: Path) -> FeatureParameters | None:
    if FEATURES not in file.attrs:
        return DOCUMENTED  # the file is older than others
    try:
        return FeatureParameters.from_json(str(file.attrs[FEATURES]))
    except DataError as error:
        raise DataError(f"{path} is damaged: {error}") from error


def _split(group: h5py.Group, rows: slice, *, with_mel: bool = True) -> Split:
    left_out = set() if with_mel or "mfcc" not in group else {"mel"}
    return Split(
        **dict.fromkeys(KINDS) | {name: group[name][rows] for name in group if name not in left_out}
    )


def _texts(file: h5py.File, name: str) -> tuple[str, ...]:
    if name not in file:
        return ()
    return tuple(text.decode("utf-8", "replace") for text in file[name][()].tolist())
