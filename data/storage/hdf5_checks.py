"""Checks a dataset file before any of its content is allocated or any link is followed.

HDF5 itself follows links to other files, allocates arrays that are announced and not
stored, and loops for ever in a damaged heap.
"""

from __future__ import annotations

import math
import mmap
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from data.audio.constants import MOST_ROW_VALUES
from data.audio.parameters import FEATURE_AXES, KINDS, Features, is_row_shape
from data.datasets.dataset import MOST_GENRES, SPLITS
from data.errors import DataError

DTYPES = {"mfcc": "<f8", "mel": "<f4", "label": "<i8", "track": "<i8", "start": "<f8"}

FEATURES = "features"  # attribute with their parameters, which the oldest files lack
TRACK_TEXTS = ("track_names", "track_artists")  # one a track

_TEXTS = ("content_sha256", "genres", "provenance")
_MOST_OTHER_BYTES = 2**22  # that are not rows or names; ours have some ten thousand
_HEAP = b"GCOL\1"  # begins what HDF5 calls a global heap, where texts are


def schema_version(file: h5py.File) -> int | None:
    """The file's schema version; None where there is none."""
    if "schema_version" not in file.attrs:
        return None
    found = file.attrs.get_id("schema_version")
    if found.shape != () or found.dtype.kind not in "iu":
        return None
    return int(file.attrs["schema_version"])


def check_file(file: h5py.File, path: Path) -> dict[Features, tuple[int, ...]]:
    """Refuse whatever `save` would not have written, without reading it.

    Returns:
        The shape of a row of each kind of features that there is.

    Raises:
        DataError: it holds other things, leads elsewhere, announces more than it
            stores, or is damaged.
    """
    _check_names(file, path, {*SPLITS, *TRACK_TEXTS}, set(SPLITS))
    arrays = []
    shapes: dict[Features, tuple[int, ...]] = {}  # those of the first split
    for split in SPLITS:
        if not isinstance(file[split], h5py.Group):
            raise DataError(f"{path} is damaged: {split} is no group.")
        _check_names(file[split], path, set(DTYPES), {"label", "track"})
        there = [name for name in KINDS if name in file[split]]
        shapes = shapes or {name: _feature_shape(file[split][name], path, name) for name in there}
        if not there or there != list(shapes):
            raise DataError(
                f"{path} is damaged: every split must have mfcc or mel, and all the same. Received "
                f"in {split}: {' and '.join(there) or 'none'}."
            )
        for name, array in file[split].items():
            row_shape = shapes[name] if name in there else ()
            _check_array(array, path, np.dtype(DTYPES[name]), row_shape)
            arrays.append(array)
    for name in set(TRACK_TEXTS) & set(file):
        _check_array(file[name], path, None, ())
        arrays.append(file[name])
    for name in _TEXTS:
        _check_text(file, path, name)
    if FEATURES in file.attrs:
        _check_text(file, path, FEATURES)
    _check_others(arrays, path)
    return shapes


def _check_names(group: h5py.Group, path: Path, allowed: set[str], needed: set[str]) -> None:
    names = set(group)
    if unknown := names - allowed:
        raise DataError(f"{path} holds {sorted(unknown)[0]!r}, which no dataset of ours has.")
    if missing := needed - names:
        raise DataError(f"{path} is damaged: {group.name} lacks {sorted(missing)[0]!r}.")
    for name in names:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise DataError(f"{path} links {name!r} to another place; links are not followed.")


def _feature_shape(array: Any, path: Path, kind: Features) -> tuple[int, ...]:
    shape = array.shape[1:] if isinstance(array, h5py.Dataset) else ()
    if not is_row_shape(kind, shape):
        raise DataError(
            f"{path}: {array.name} must have {FEATURE_AXES[kind]} a row, at most "
            f"{MOST_ROW_VALUES:,} values. Received: {shape}."
        )
    return tuple(shape)


def _check_array(
    array: Any, path: Path, dtype: np.dtype[Any] | None, row_shape: tuple[int, ...]
) -> None:
    if not isinstance(array, h5py.Dataset):
        raise DataError(f"{path} is damaged: {array.name} is no array.")
    if array.is_virtual or array.external:
        raise DataError(f"{path} keeps {array.name} in other files; they are not followed.")
    expected = array.dtype.kind == "S" if dtype is None else array.dtype == dtype
    if not expected or array.shape[1:] != row_shape or array.ndim != 1 + len(row_shape):
        raise DataError(
            f"{path}: {array.name} must be {dtype or 'text'} of shape "
            f"{('n', *row_shape)}. Received: {array.dtype} of shape {array.shape}."
        )
    size, offset = array.id.get_storage_size(), array.id.get_offset()
    announced = array.size * array.dtype.itemsize
    if size != announced or offset is None:  # chunks have no one offset
        raise DataError(
            f"{path} is damaged: {array.name} announces {announced} bytes and holds "
            f"{size} in plain rows."
        )
    if offset + size > path.stat().st_size:
        raise DataError(f"{path} is truncated: {array.name} ends beyond the end of the file.")


def _check_text(file: h5py.File, path: Path, name: str) -> None:
    if name not in file.attrs:
        raise DataError(f"{path} is damaged: it lacks {name!r}.")
    found = file.attrs.get_id(name)
    ranks, most = (1, MOST_GENRES) if name == "genres" else (0, 1)
    # Of texts in name only, HDF5 would take any bytes for addresses.
    is_text = h5py.check_string_dtype(found.dtype) is not None
    if not is_text or len(found.shape) != ranks or math.prod(found.shape) > most:
        raise DataError(
            f"{path} is damaged: {name} must be {'at most ' * ranks}{most} text"
            f"{'s' * ranks}. Received: {found.dtype} of shape {found.shape}."
        )


def _check_others(arrays: list[h5py.Dataset], path: Path) -> None:
    """Refuse too much besides the arrays, and heaps in which HDF5 would loop for ever."""
    size = path.stat().st_size
    others = size - sum(array.id.get_storage_size() for array in arrays)
    if others > _MOST_OTHER_BYTES:
        raise DataError(
            f"{path} holds {others} bytes besides its rows; no dataset of ours has more than "
            f"{_MOST_OTHER_BYTES}."
        )
    begin = 0
    with path.open("rb") as raw:
        for array in sorted(arrays, key=lambda array: int(array.id.get_offset())):
            raw.seek(begin)
            check_heaps(raw.read(max(array.id.get_offset() - begin, 0)), path)
            begin = array.id.get_offset() + array.id.get_storage_size()
        raw.seek(begin)
        check_heaps(raw.read(), path)


def check_heaps(content: bytes | mmap.mmap, path: Path) -> None:
    """Walk the heaps between two arrays, object by object, as HDF5 would.

    An object has a header of 16 bytes (its number in 2, its size in the last 8) and is
    padded to 8. The free space at the end has number 0 and counts its header.
    See "Global Heap" in the HDF5 File Format Specification.
    """
    at = content.find(_HEAP)
    while at >= 0:
        end = at + int.from_bytes(content[at + 8 : at + 16], "little")
        place = at + 16
        while place + 16 <= end <= len(content):
            size = int.from_bytes(content[place + 8 : place + 16], "little")
            is_free = content[place : place + 2] == b"\0\0"
            step = size if is_free else 16 + -(-size // 8) * 8
            if step < 16:
                break
            place += step
        if not place <= end < place + 16:
            raise DataError(f"{path} is damaged: the texts in it are not where they should be.")
        at = content.find(_HEAP, end)
