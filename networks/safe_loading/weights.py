"""What a model's HDF5 file of weights holds, against what its config asks for.

Files that HDF5 would follow elsewhere, unpack or make up are refused before any value
is read.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from networks.safe_loading.architecture import StoredLayer
from networks.safe_loading.errors import VettingError
from networks.safe_loading.layers import Variable

_LAYERS, _VARIABLES = "layers", "vars"  # Keras's names of groups


def check_weights(path: Path, layers: list[StoredLayer]) -> None:
    """Refuse a file that does not hold these layers' variables, as plain arrays.

    Args:
        path: of the HDF5 file.
        layers: with the variables that each must have.

    Raises:
        VettingError: it holds other things.
        OSError, RuntimeError, ValueError: HDF5 cannot make sense of it.
    """
    size = path.stat().st_size
    with h5py.File(path, "r") as file:
        _check_members(file, {_LAYERS, _VARIABLES}, {_LAYERS})
        if _VARIABLES in file:
            _check_members(file[_VARIABLES], set(), set())
        groups = {layer.group: layer.variables for layer in layers}
        _check_members(file[_LAYERS], set(groups), {name for name in groups if groups[name]})
        for name in file[_LAYERS]:
            _check_layer(file[_LAYERS][name], groups[name], size)


def _check_layer(group: Any, variables: tuple[Variable, ...], size: int) -> None:
    _check_members(group, {_VARIABLES}, {_VARIABLES})
    names = {str(number) for number in range(len(variables))}
    _check_members(group[_VARIABLES], names, names)
    for number, variable in enumerate(variables):
        _check_array(group[_VARIABLES][str(number)], variable, size)


def _check_members(group: Any, allowed: set[str], needed: set[str]) -> None:
    if not isinstance(group, h5py.Group):
        raise VettingError("a group of arrays in the weights", group.name)
    if len(group) > len(allowed):
        raise VettingError(f"at most {len(allowed)} members of {group.name}", len(group))
    names = set(group)
    if unknown := names - allowed:
        raise VettingError(f"no other members of {group.name}", min(unknown))
    if missing := needed - names:
        raise VettingError(f"{min(missing)!r} in {group.name}", sorted(names))
    for name in names:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise VettingError(f"{name!r} in {group.name} itself", type(link).__name__)


def _check_array(array: Any, variable: Variable, size: int) -> None:
    if not isinstance(array, h5py.Dataset):
        raise VettingError("arrays of weights", array.name)
    if array.is_virtual or array.external:
        raise VettingError(f"{array.name} in the file itself", "a reference to other files")
    if array.shape != variable.shape or array.dtype != np.dtype(variable.dtype):
        raise VettingError(
            f"{array.name} to be {np.dtype(variable.dtype)} of shape {variable.shape}",
            (str(array.dtype), array.shape),
        )
    stored, offset = array.id.get_storage_size(), array.id.get_offset()
    announced = math.prod(variable.shape) * array.dtype.itemsize
    if offset is None or stored != announced or len(array.attrs):  # chunks have no one offset
        raise VettingError(f"{array.name} to be {announced} bytes in plain rows", stored)
    if offset + stored > size:
        raise VettingError(f"{array.name} to end within the {size} bytes of weights", offset)
