"""Weights from a `.keras` file that may come from anybody.

A `.keras` file is a zip archive of a config, which names classes for Keras to import, and an
HDF5 file of weights. The config is never read: the caller builds the model, and this module
copies the weights member and gives the model those arrays of it that are plain, stored in
the file itself and of the model's own shapes. No size that a file only announces is allocated.
"""

from __future__ import annotations

import reprlib
import shutil
import struct
import tempfile
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import h5py
import keras
import numpy as np
import numpy.typing as npt

from networks.errors import ConfigError

WEIGHTS = "model.weights.h5"
_HDF5_BYTES_PER_LAYER = 2**16  # that groups and headers take beside the values, at most
_MAX_DIRECTORY_BYTES = 1000  # of a zip archive; the three entries that Keras writes take 178
_ENCRYPTED = 0x1 | 0x40
_END, _END_SIGNATURE = struct.Struct("<4s4H2LH"), b"PK\5\6"
_LOCATOR_BYTES, _LOCATOR_SIGNATURE = 20, b"PK\6\7"  # of a directory in ZIP64's form


class UnsafeModelError(ValueError):
    """A model file that differs from what Keras would have saved of the expected network.

    Args:
        expected: what such a file has.
        received: what this one has; a long value is abbreviated.
    """

    def __init__(self, expected: str, received: Any) -> None:
        super().__init__(f"expected {expected}, received {reprlib.repr(received)[:120]}")


def load_weights(model: keras.Model, path: Path) -> None:
    """Give a model the weights that are saved in a `.keras` file.

    Args:
        model: built; its own variables are overwritten. When loading fails, some may have
            been overwritten already.
        path: of the file.

    Raises:
        ConfigError: there is no such file, or it does not hold exactly this model's weights.
    """
    try:
        if not path.is_file():
            raise FileNotFoundError
        with path.open("rb") as file, tempfile.TemporaryFile() as copy:
            # From a copy without a name: what has been checked cannot change before it is read.
            _copy_weights(file, copy, _largest_size(model))
            _assign(model, copy)
    except FileNotFoundError as error:
        found = "a folder" if path.is_dir() else "nothing"
        raise ConfigError(
            f"{path} must be a model file. Received: {found}. Choose a model.keras of a run."
        ) from error
    except PermissionError as error:
        raise ConfigError(f"{path} cannot be read: permission denied.") from error
    except Exception as error:  # h5py and zipfile raise many kinds for damaged files
        reason = str(error)
        if not isinstance(error, UnsafeModelError):
            first = (reason or type(error).__name__).splitlines()[0]
            reason = f"it is damaged or none of ours ({first[:200]})"
        raise ConfigError(
            f"{path} cannot be loaded as this network: {reason}. Use the model.keras that "
            "genre-tui saved of it, or train the network again."
        ) from error


def _largest_size(model: keras.Model) -> int:
    values = sum(variable.value.nbytes for variable in model.variables)
    layers = len(list(model._flatten_layers()))
    return int(values) + _HDF5_BYTES_PER_LAYER * layers


def _copy_weights(file: IO[bytes], copy: IO[bytes], largest: int) -> None:
    """Copy the weights member of a zip archive, of at most `largest` bytes."""
    size = file.seek(0, 2)
    _check_end(file, size)
    with ZipFile(file) as archive:
        if archive.namelist().count(WEIGHTS) != 1:
            raise UnsafeModelError(f"one member {WEIGHTS}", archive.namelist())
        member = archive.getinfo(WEIGHTS)
        if member.flag_bits & _ENCRYPTED:
            raise UnsafeModelError(f"{WEIGHTS} to be readable", "an encrypted member")
        if member.compress_type != ZIP_STORED or member.file_size != member.compress_size:
            raise UnsafeModelError(
                f"{WEIGHTS} to be stored as it is, as Keras does", "a compressed member"
            )
        if member.file_size > largest:
            raise UnsafeModelError(f"at most {largest} bytes of {WEIGHTS}", member.file_size)
        if member.file_size > size:
            raise BadZipFile(f"{WEIGHTS} ends beyond the end of the file")
        with archive.open(member) as source:
            shutil.copyfileobj(source, copy)


def _check_end(file: IO[bytes], size: int) -> None:
    """Refuse a directory of unknown size before `ZipFile` reads it whole."""
    file.seek(max(size - _END.size - _LOCATOR_BYTES, 0))
    tail = file.read(_END.size + _LOCATOR_BYTES)
    locator, end = tail[: -_END.size], tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_SIGNATURE):
        raise UnsafeModelError("a zip archive, as Keras saves it", end)
    directory, comment = _END.unpack(end)[5], _END.unpack(end)[7]
    if locator.startswith(_LOCATOR_SIGNATURE) or comment or directory > _MAX_DIRECTORY_BYTES:
        raise UnsafeModelError("a zip archive of three members, as Keras saves it", directory)


def _assign(model: keras.Model, file: IO[bytes]) -> None:
    """Load weights through a file of our own: only values of the expected arrays pass over."""
    size = file.seek(0, 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WEIGHTS
        model.save_weights(path)
        with h5py.File(path, "r+") as ours, h5py.File(file, "r") as theirs:
            _copy_values(theirs, ours, size)
        model.load_weights(path)


def _copy_values(source: h5py.Group, target: h5py.Group, size: int) -> None:
    """Copy the arrays of a group that has just the members of another."""
    if len(source) != len(target):  # before a list is made of what may be millions
        raise UnsafeModelError(f"{len(target)} members of {source.name}", len(source))
    if unknown := set(source) - set(target):
        raise UnsafeModelError(f"no other members of {source.name}", min(unknown))
    for name, expected in target.items():
        if isinstance(expected, h5py.Group):
            _copy_values(_member(source, name, h5py.Group), expected, size)
        else:
            expected[...] = _values(source, name, expected, size)


def _member(group: h5py.Group, name: str, kind: type[Any]) -> Any:
    """A member that is stored in the group itself, not linked to."""
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        received = "nothing" if link is None else type(link).__name__
        raise UnsafeModelError(f"{name!r} in {group.name} itself", received)
    if group.get(name, getclass=True) is not kind:
        raise UnsafeModelError(f"{name!r} in {group.name} to be a {kind.__name__}", "none")
    return group[name]


def _values(
    group: h5py.Group, name: str, expected: h5py.Dataset, size: int
) -> npt.NDArray[np.generic]:
    """A stored array of an expected shape and type, whose bytes lie in the file as they are.

    Args:
        group: which holds it.
        name: of the array.
        expected: array that it is for.
        size: bytes of the whole file.
    """
    array = _member(group, name, h5py.Dataset)
    if array.is_virtual or array.external:
        raise UnsafeModelError(f"{array.name} in the file itself", "a reference to other files")
    shape, dtype = expected.shape, expected.dtype
    if array.shape != shape or array.dtype != dtype:
        raise UnsafeModelError(
            f"{array.name} to be {dtype} of shape {shape}", (str(array.dtype), array.shape)
        )
    stored, offset = array.id.get_storage_size(), array.id.get_offset()
    announced = expected.nbytes
    if offset is None or stored != announced or len(array.attrs):  # chunks have no one offset
        raise UnsafeModelError(f"{array.name} to be {announced} bytes in plain rows", stored)
    if offset + stored > size:
        raise UnsafeModelError(f"{array.name} to end within the {size} bytes of weights", offset)
    return np.asarray(array[()])
