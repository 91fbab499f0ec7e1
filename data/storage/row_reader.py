"""Reads single rows of a dataset's file, without the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy.typing as npt

from data.datasets.dataset import Split, SplitName
from data.errors import DataError
from data.storage import hdf5
from data.storage.hdf5_checks import ROW_SHAPES


@dataclass(frozen=True)
class RowReader:
    """Reads rows of a dataset's file on demand.

    Args:
        path: of the file, checked.
        content_sha256: hash stored in the file; it is not compared with the rows.
        track_names: that `Split.track` numbers, maybe none.
    """

    path: Path
    content_sha256: str
    track_names: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> RowReader:
        """A reader of a file.

        Raises:
            DataError: there is no such file, it is damaged, or no dataset of ours.
        """
        summary = hdf5.summarise(path)
        names = _read(path, lambda file: file["track_names"][()] if summary.tracks else ())
        decoded = tuple(name.decode("utf-8", "replace") for name in names)
        return cls(path, summary.content_sha256, decoded)

    def read(self, split: SplitName, begin: int, end: int) -> Split:
        """Rows `begin` to `end` - 1 of a split, with all their features.

        Raises:
            DataError: the file has not so many rows, or is not what it was any more.
        """

        def rows(file: h5py.File) -> dict[str, npt.NDArray[Any]]:
            group = file[split]
            return {name: group[name][begin:end] for name in ROW_SHAPES if name in group}

        hdf5.summarise(self.path)  # it may be another file by now
        found = Split(**({"mel": None} | _read(self.path, rows)))
        if not 0 <= begin <= end or len(found) != end - begin:
            raise DataError(
                f"{self.path} has no {split} rows {begin} to {end - 1}: it is not the file that "
                "it was any more."
            )
        return found


def _read(path: Path, extract: Any) -> Any:
    try:
        with h5py.File(path, "r") as file:
            return extract(file)
    except Exception as error:  # of any kind: HDF5 has no exception of its own for damage
        raise DataError(f"{path} cannot be read: {error!s:.80}.") from error
