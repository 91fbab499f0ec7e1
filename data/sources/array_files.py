"""Arrays in .npy, .npz, HDF5 and JSON files of others: their names and shapes, then their values.

Nothing is unpickled, no link is followed, and what a file announces is compared with what it
stores before any of it is allocated.
"""

from __future__ import annotations

import io
import json
import math
import mmap
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from data.errors import DataError
from data.files.plain import plain_file
from data.storage.hdf5_checks import check_heaps, schema_version

SUFFIXES = (".npy", ".npz", ".h5", ".hdf5")
_MOST_HEADER_BYTES = 10_000  # the most that NumPy reads
_MOST_ARRAYS = 1000
_DEEPEST = 3  # groups or folders within each other
# Compressed music is a tenth of its size; a file made to fill the memory is a thousandth.
_MOST_RATIO = 100
_ALWAYS_READ = 2**26  # bytes, however small the file that holds them
_NPY, _ZIP, _HDF5 = b"\x93NUMPY", b"PK", b"\x89HDF\r\n\x1a\n"
_UNREADABLE = (
    *(OSError, KeyError, ValueError, TypeError, RuntimeError, MemoryError, EOFError),
    *(zipfile.BadZipFile, zlib.error, RecursionError),
)


@dataclass(frozen=True)
class StoredArray:
    """An array in a file, not read yet.

    Args:
        name: where it is, such as train/X for the array X of train.npz.
        path: of its file.
        dtype, shape: as the file announces them.
        load: reads it, or maps it from disk.
    """

    name: str
    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    load: Callable[[], npt.NDArray[Any]]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(map(str, self.shape))})"

    @property
    def where(self) -> str:
        """Its file and name, for sentences."""
        return f"{self.path}: {self.name}"

    def read(self) -> npt.NDArray[Any]:
        """All values; text of HDF5 as bytes.

        Raises:
            DataError: the file is damaged, or they do not fit into memory.
        """
        with _sentences(self.path):
            return self.load()


def find_arrays(path: Path) -> list[StoredArray]:
    """The arrays of a file, or of all files in a folder and in the folders in it.

    Raises:
        DataError: there are none, too many, or a file cannot be read.
    """
    files = [(path, "")]
    if path.is_dir():
        files = [(file, _prefix(path, file)) for file in _array_files(path)]
    found: list[StoredArray] = []
    for file, prefix in files:
        arrays = _arrays(file, prefix)
        found += list(islice(arrays, _MOST_ARRAYS + 1 - len(found)))
    if len(found) > _MOST_ARRAYS:
        raise DataError(
            f"{path} has more than {_MOST_ARRAYS} arrays. Expected one of features and one of "
            "labels for each split: join those of single tracks (numpy.concatenate)."
        )
    return found


def map_npy(path: Path) -> npt.NDArray[Any]:
    """The array of a .npy file, mapped from disk.

    Raises:
        DataError: it cannot be read, is damaged, or holds pickled objects or a single value.
    """
    try:
        with open(path, "rb", opener=plain_file) as file:
            begin = file.read(12)
        if not begin.startswith(_NPY):
            raise DataError(f"{path} is no NumPy array file.")
        # From format version 2 on, NumPy allocates whatever length of header is announced.
        header = int.from_bytes(begin[8:], "little")
        if begin[6:7] != b"\1" and header > _MOST_HEADER_BYTES:
            raise DataError(
                f"{path} is a damaged NumPy array file, or it is cut short (its header should have "
                f"at most {_MOST_HEADER_BYTES} bytes, it announces {header})."
            )
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        # Mapping checks the announced shape against the file before any allocation.
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python: many kinds can come
        if "Python objects" in str(error):
            raise _pickled(str(path)) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            f"{path} is a damaged NumPy array file, or it is cut short ({reason})."
        ) from error
    if array.ndim == 0:
        raise DataError(f"{path} must hold one row a segment. Received: a single value.")
    return array


def _array_files(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        inside = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(n for n in folders if not n.startswith(".") and inside < _DEEPEST)
        for file in sorted(files):
            if Path(file).suffix.lower() in SUFFIXES and not file.startswith("."):
                yield Path(place, file)


def _prefix(folder: Path, file: Path) -> str:
    return f"{file.relative_to(folder).with_suffix('').as_posix()}/"


def _arrays(path: Path, prefix: str) -> Iterator[StoredArray]:
    try:
        with open(path, "rb", opener=plain_file) as file:
            begin = file.read(len(_HDF5))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if begin.startswith(_ZIP):
        yield from _npz_arrays(path, prefix)
    elif begin == _HDF5:
        yield from _hdf5_arrays(path, prefix)
    elif begin.startswith(_NPY):
        array = map_npy(path)
        name = prefix.removesuffix("/") or path.stem
        yield StoredArray(name, path, array.dtype, array.shape, lambda: array)
    elif begin.lstrip().startswith(b"{"):
        yield from _json_arrays(path, prefix)
    else:
        raise DataError(
            f"{path} is no .npy, .npz, HDF5 or JSON file of arrays. Save the arrays with "
            "numpy.savez (as numbers and text, not as objects)."
        )


# NumPy's archives.


def _npz_arrays(path: Path, prefix: str) -> Iterator[StoredArray]:
    with _zip(path) as archive:
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                continue
            name = prefix + info.filename.removesuffix(".npy")
            with archive.open(info) as file:
                shape, dtype, header = _npy_header(f"{path}: {name}", file.read(2**14))
            size = math.prod(shape) * dtype.itemsize
            if header + size != info.file_size:
                raise DataError(
                    f"{path} is damaged: {name} announces {size} bytes and holds "
                    f"{info.file_size - header}."
                )
            _check_ratio(path, name, size, min(info.compress_size, path.stat().st_size))

            def load(member: str = info.filename) -> npt.NDArray[Any]:
                with _zip(path) as archive, archive.open(member) as file:
                    array: npt.NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
                    file.read(1)  # at its end the checksum is compared
                return array

            yield StoredArray(name, path, dtype, shape, load)


@contextmanager
def _zip(path: Path) -> Iterator[zipfile.ZipFile]:
    with (
        _sentences(path),
        open(path, "rb", opener=plain_file) as file,
        zipfile.ZipFile(file) as archive,
    ):
        yield archive


def _npy_header(where: str, begin: bytes) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and length of the header that begins an array file."""
    file = io.BytesIO(begin)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file, max_header_size=_MOST_HEADER_BYTES)
    except Exception as error:  # NumPy parses the header as Python: many kinds can come
        raise DataError(f"{where} is no NumPy array, or it is damaged.") from error
    if dtype.hasobject:
        raise _pickled(where)
    if any(type(size) is not int or size < 0 for size in shape):
        raise DataError(f"{where} is damaged: it announces the shape {shape!r:.100}.")
    return shape, dtype, file.tell()


# JSON: an object of lists.


def _json_arrays(path: Path, prefix: str) -> Iterator[StoredArray]:
    with _sentences(path):
        with open(path, encoding="utf-8", opener=plain_file) as file:
            content = json.load(file)
        for name, values in content.items():
            if isinstance(values, list):
                array = np.array(values)
                if not array.dtype.hasobject:
                    key = prefix + name
                    yield StoredArray(
                        key, path, array.dtype, array.shape, partial(np.asarray, array)
                    )


# HDF5.


def _hdf5_arrays(path: Path, prefix: str) -> Iterator[StoredArray]:
    found = []
    with _sentences(path), h5py.File(path, "r") as file:
        if schema_version(file) is not None:
            raise DataError(
                f"{path} is a dataset of this program already: name it with --data {path}."
            )
        for key, array in islice(_hdf5_datasets(file, "", _DEEPEST), _MOST_ARRAYS + 1):
            name = prefix + key
            found.append(StoredArray(name, path, array.dtype, array.shape, _hdf5_load(path, key)))
    yield from found


def _hdf5_datasets(group: h5py.Group, inside: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name in islice(group, _MOST_ARRAYS + 1):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        if isinstance(member := group[name], h5py.Dataset) and member.shape is not None:
            yield f"{inside}{name}", member
        elif isinstance(member, h5py.Group) and depth:
            yield from _hdf5_datasets(member, f"{inside}{name}/", depth - 1)


def _hdf5_load(path: Path, key: str) -> Callable[[], npt.NDArray[Any]]:
    def load() -> npt.NDArray[Any]:
        with h5py.File(path, "r") as file:
            array = file[key]
            if array.is_virtual or array.external:
                raise DataError(f"{path} keeps {key} in other files; they are not followed.")
            size = array.size * array.dtype.itemsize
            _check_ratio(path, key, size, array.id.get_storage_size())
            if not array.dtype.hasobject:
                return np.asarray(array[()])
            if h5py.check_string_dtype(array.dtype) is None:
                raise _pickled(f"{path}: {key}")
            _check_texts(path)
            return np.array(array[()].tolist(), dtype=np.bytes_)

    return load


def _check_texts(path: Path) -> None:
    """Texts of any length are in heaps, in a damaged one of which HDF5 would loop for ever."""
    with (
        open(path, "rb", opener=plain_file) as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        check_heaps(content, path)


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except _UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} cannot be read, or it is damaged ({reason:.200}).") from error


def _check_ratio(path: Path, name: str, size: int, stored: int) -> None:
    if size > max(_ALWAYS_READ, _MOST_RATIO * stored):
        raise DataError(
            f"{path}: {name} announces {size / 1e6:.0f} MB, of which the file stores "
            f"{stored / 1e6:.1f} MB: it is damaged, or made to fill the memory. If it is yours, "
            "save it without compression."
        )


def _pickled(where: str) -> DataError:
    return DataError(
        f"{where} holds pickled objects, which could run code when read. Save it again as "
        "plain numbers or text, such as labels.astype(str) (numpy.save with allow_pickle=False)."
    )
