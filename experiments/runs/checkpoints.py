"""Checkpoints of a cohort: one file each, hash-verified, the newest two kept.

A file is a line that names the format, the length of a JSON header, the header, the
arrays one after another, and the SHA-256 of all that.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from data.files.atomic import commit

if TYPE_CHECKING:
    from networks.engine.cohort import CohortState

_MAGIC = b"genre-tui checkpoint 1\n"
_SUFFIX = ".checkpoint"
_KEPT = 2
_DIGEST_BYTES = 32
_LARGEST_HEADER = 64 * 2**20
_DTYPES = ("<f4", "<f8", "<i4", "<i8")
_BLOCK = 2**22
_SHARE_OF_TIME = 0.01  # of training that writing checkpoints may take


@dataclass(frozen=True)
class Checkpoint:
    """A cohort's state, and what goes with it.

    Args:
        state: of training.
        extra: JSON-ready.
    """

    state: CohortState
    extra: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one cohort.

    Args:
        folder: theirs alone.
        seconds: at least so long between two of them; longer where writing one takes
            so much that it would slow training by more than 1 %.
    """

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder, self._seconds = folder, seconds
        self._last, self._cost = time.monotonic(), 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next one."""
        pause = max(self._seconds, self._cost / _SHARE_OF_TIME)
        return time.monotonic() - self._last >= pause

    def write(self, checkpoint: Checkpoint) -> tuple[int, float]:
        """Write one and remove all but the newest two; its bytes and seconds.

        Raises:
            NoSpaceError: the disk is full.
            DataError: the folder cannot be written.
        """
        began = time.monotonic()
        path = self._folder / f"{checkpoint.state.epoch:08d}{_SUFFIX}"
        with commit(path) as temporary, temporary.open("wb") as file:
            _dump(checkpoint, file)
            size = file.tell()
        for old in self._paths()[_KEPT:]:
            old.unlink(missing_ok=True)
        self._last = time.monotonic()
        self._cost = self._last - began
        return size, self._cost

    def newest(
        self, fits: Callable[[Checkpoint], bool], report: Callable[[str], None]
    ) -> Checkpoint | None:
        """The newest one that is whole and fits, if there is any.

        Args:
            fits: whether one can be gone on from.
            report: told of those that cannot be, in a sentence each.
        """
        for path in self._paths():
            try:
                checkpoint = _load(path)
            except (OSError, ValueError, KeyError, TypeError) as error:
                report(f"the checkpoint {path.name} is broken ({error!s:.80}): it is passed over.")
                continue
            if fits(checkpoint):
                return checkpoint
            report(f"the checkpoint {path.name} is later than what is left: it is passed over.")
        return None

    def clear(self) -> None:
        """Remove them all."""
        for path in self._paths():
            path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        """The newest first."""
        return sorted(self._folder.glob(f"[0-9]*{_SUFFIX}"), reverse=True)


def _dump(checkpoint: Checkpoint, file: BinaryIO) -> None:
    state = checkpoint.state
    arrays = {name: np.ascontiguousarray(array) for name, array in state.arrays.items()}
    header = {
        "epoch": state.epoch,
        "places": state.places,
        "live": state.live,
        "members": {str(number): member for number, member in state.members.items()},
        "extra": checkpoint.extra,
        "arrays": [[name, array.dtype.str, array.shape] for name, array in arrays.items()],
    }
    text = json.dumps(header).encode()
    digest = hashlib.sha256()

    def write(part: bytes | memoryview) -> None:
        digest.update(part)
        file.write(part)

    write(_MAGIC + len(text).to_bytes(8, "little") + text)
    for array in arrays.values():
        if array.dtype.str not in _DTYPES:
            raise TypeError(f"checkpoints hold {', '.join(_DTYPES)}, not {array.dtype}.")
        write(array.reshape(-1).view(np.uint8).data)
    file.write(digest.digest())


def _load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ValueError, KeyError, TypeError, OSError: it is none that is whole.
    """
    from networks.engine.cohort import CohortState

    size = path.stat().st_size
    with path.open("rb") as file:
        _verify(file, size)
        file.seek(len(_MAGIC))
        length = int.from_bytes(file.read(8), "little")
        left = size - file.tell() - _DIGEST_BYTES - length
        if left < 0 or length > _LARGEST_HEADER:
            raise ValueError("its header is longer than it may be")
        header = json.loads(file.read(length))
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, dtype, shape in header["arrays"]:
            if dtype not in _DTYPES or not all(type(n) is int and n >= 0 for n in shape):
                raise ValueError("it holds an array that no checkpoint has")
            count = math.prod(shape)
            left -= count * np.dtype(dtype).itemsize
            if left < 0:
                raise ValueError("it announces more than it holds")
            arrays[name] = np.fromfile(file, dtype, count).reshape(shape)
        if left:
            raise ValueError("it holds more than it announces")
    state = CohortState(
        epoch=int(header["epoch"]),
        places=tuple(int(number) for number in header["places"]),
        live=tuple(int(number) for number in header["live"]),
        members={int(number): member for number, member in header["members"].items()},
        arrays=arrays,
    )
    return Checkpoint(state, header["extra"])


def _verify(file: BinaryIO, size: int) -> None:
    if size < len(_MAGIC) + 8 + _DIGEST_BYTES or file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as one")
    file.seek(0)
    digest, left = hashlib.sha256(), size - _DIGEST_BYTES
    while left:
        block = file.read(min(left, _BLOCK))
        if not block:
            raise ValueError("it is cut short")
        digest.update(block)
        left -= len(block)
    if file.read() != digest.digest():
        raise ValueError("it does not match its hash")
