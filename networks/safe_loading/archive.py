"""Unpacks a `.keras` file whose members are as Keras writes them."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from networks.models.checks import ConfigError
from networks.safe_loading.architecture import parameters_of, stored_layers
from networks.safe_loading.errors import VettingError
from networks.safe_loading.weights import check_weights

MAX_JSON_BYTES = 2**21  # a layer takes about a thousand
MAX_WEIGHTS_BYTES = 2**31 - 2**24  # beyond it Keras writes another kind of archive

_METADATA, _CONFIG, _WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_LIMITS = {_METADATA: MAX_JSON_BYTES, _CONFIG: MAX_JSON_BYTES, _WEIGHTS: MAX_WEIGHTS_BYTES}
_MAX_DIRECTORY_BYTES = 1000  # three entries take 178
_ENCRYPTED = 0x1 | 0x40
_END, _END_SIGNATURE = struct.Struct("<4s4H2LH"), b"PK\5\6"
_LOCATOR_BYTES, _LOCATOR_SIGNATURE = 20, b"PK\6\7"  # of a directory in ZIP64's form


def unpack(path: Path, folder: Path) -> None:
    """Write the config and the weights of a model file to a folder, when both are ours.

    Nobody else may write to the folder. The config is written anew from what was
    understood of it, so that Keras reads no more than was checked.

    Args:
        path: of a `.keras` file.
        folder: empty and there. Keras reads it as a model that was saved unzipped.

    Raises:
        ConfigError: there is no such file, or a file that no network of ours was saved in.
    """
    try:
        if not path.is_file():
            raise FileNotFoundError
        with path.open("rb") as file:
            _unpack(file, folder)
    except FileNotFoundError as error:
        found = "a folder" if path.is_dir() else "nothing"
        raise ConfigError(
            f"{path} must be a model file. Received: {found}. Choose a model.keras of a run."
        ) from error
    except PermissionError as error:
        raise ConfigError(f"{path} cannot be read: permission denied.") from error
    except Exception as error:  # h5py, zipfile and json raise many kinds for damaged files
        raise refusal(path, error) from error


def refusal(path: Path, error: Exception) -> ConfigError:
    """The sentence for a file that cannot be loaded because of `error`."""
    if isinstance(error, VettingError):
        reason = str(error)
    else:
        first = (str(error) or type(error).__name__).splitlines()[0]
        reason = f"it is damaged or none of ours ({first[:200]})"
    return ConfigError(
        f"{path} cannot be loaded as a network: {reason}. Use a model.keras as genre-tui saved "
        "it, or train the network again."
    )


def _unpack(file: IO[bytes], folder: Path) -> None:
    size = file.seek(0, 2)
    _check_end(file, size)
    with ZipFile(file) as archive:
        if sorted(archive.namelist()) != sorted(_LIMITS):
            raise VettingError(f"the members {', '.join(_LIMITS)}", archive.namelist())
        members = {info.filename: info for info in archive.infolist()}
        for info in members.values():
            _check_member(info, size)
        config = json.loads(archive.read(_CONFIG))
        layers = stored_layers(config)
        least = 4 * parameters_of(layers)  # all are of 4 bytes
        if least > members[_WEIGHTS].file_size:
            raise VettingError(
                f"{least} bytes of weights, as the layers need", members[_WEIGHTS].file_size
            )
        (folder / _CONFIG).write_text(json.dumps(config), encoding="ascii")
        with archive.open(_WEIGHTS) as source, (folder / _WEIGHTS).open("xb") as target:
            shutil.copyfileobj(source, target)
    check_weights(folder / _WEIGHTS, layers)


def _check_end(file: IO[bytes], size: int) -> None:
    """Refuse a directory of unknown size before `ZipFile` reads it whole."""
    file.seek(max(size - _END.size - _LOCATOR_BYTES, 0))
    tail = file.read(_END.size + _LOCATOR_BYTES)
    locator, end = tail[: -_END.size], tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_SIGNATURE):
        raise VettingError("a zip archive, as Keras saves it", end)
    directory, comment = _END.unpack(end)[5], _END.unpack(end)[7]
    if locator.startswith(_LOCATOR_SIGNATURE) or comment or directory > _MAX_DIRECTORY_BYTES:
        raise VettingError("a zip archive of three members, as Keras saves it", directory)


def _check_member(info: ZipInfo, size: int) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise VettingError(f"{info.filename} to be readable", "an encrypted member")
    if info.compress_type != ZIP_STORED or info.file_size != info.compress_size:
        raise VettingError(
            f"{info.filename} to be stored as it is, as Keras does", "a compressed member"
        )
    if info.file_size > _LIMITS[info.filename]:
        raise VettingError(
            f"at most {_LIMITS[info.filename]} bytes of {info.filename}", info.file_size
        )
    if info.file_size > size:
        raise BadZipFile(f"{info.filename} ends beyond the end of the file")
