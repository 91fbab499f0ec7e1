"""Checkpoints of a cohort: NumPy archives beside their SHA-256, the newest two kept.

`<epoch>.npz` holds the arrays of the state and, as a JSON text, what is no array;
`<epoch>.npz.sha256` is written before it, in the format of sha256sum.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from data.files import atomic
from data.files.plain import plain_file

if TYPE_CHECKING:
    from networks.engine.cohort import CohortState

_SUFFIX, _DIGEST_SUFFIX = ".npz", ".npz.sha256"
_OLD_SUFFIX = ".checkpoint"  # of the format of versions before
_KEPT = 2
_JSON = "json"  # name of the member that holds what is no array
_MAX_SHARE_OF_TIME = 0.01  # of training that writing checkpoints may take


@dataclass(frozen=True)
class Checkpoint:
    """The state of a cohort's training and of its recorder.

    Args:
        state: of the training.
        extra: JSON-ready.
    """

    state: CohortState
    extra: Mapping[str, Any]


class Checkpoints:
    """The checkpoints of one cohort.

    Args:
        folder: of the cohort.
        seconds: at least so long between two of them; longer where writing one takes
            so much that it would slow training by more than 1 %.
        commit: writes a file, such as `RunDirectory.commit`.
    """

    def __init__(
        self,
        folder: Path,
        seconds: float,
        commit: Callable[[Path], AbstractContextManager[Path]] = atomic.commit,
    ) -> None:
        self._folder, self._seconds, self._commit = folder, seconds, commit
        self._last, self._cost = time.monotonic(), 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next one."""
        pause = max(self._seconds, self._cost / _MAX_SHARE_OF_TIME)
        return time.monotonic() - self._last >= pause

    def write(self, checkpoint: Checkpoint) -> tuple[int, float]:
        """Write a checkpoint and remove all but the newest two.

        Returns:
            Its size in bytes, and the seconds that it took.

        Raises:
            NoSpaceError: the disk is full.
            DataError: the folder cannot be written.
        """
        began = time.monotonic()
        path = self._folder / f"{checkpoint.state.epoch:08d}{_SUFFIX}"
        with self._commit(path) as temporary:
            with temporary.open("wb") as file:
                np.savez(file, **_arrays(checkpoint))
                size = file.tell()
            # The checksum first: a checkpoint is there when its own name is.
            with self._commit(_digest_path(path)) as digest:
                digest.write_text(f"{_sha256(temporary)}  {path.name}\n", encoding="ascii")
        for old in self._paths()[_KEPT:]:
            _remove(old)
        self._last = time.monotonic()
        self._cost = self._last - began
        return size, self._cost

    def newest(
        self, fits: Callable[[Checkpoint], bool], report: Callable[[str], None]
    ) -> Checkpoint | None:
        """Read the newest checkpoint that is whole and fits.

        Args:
            fits: whether training can resume from one.
            report: called with a sentence about each one that is skipped.

        Returns:
            The checkpoint, or None where there is none.
        """
        for path in self._paths():
            try:
                checkpoint = _read(path)
            except Exception as error:  # zipfile and NumPy raise many kinds for damaged files
                report(f"the checkpoint {path.name} is broken ({error!s:.80}): it is skipped.")
                continue
            if fits(checkpoint):
                return checkpoint
            report(f"the checkpoint {path.name} is later than what is left: it is skipped.")
        if any(self._folder.glob(f"*{_OLD_SUFFIX}")):
            report("the cohort's checkpoints are of an earlier version: it restarts.")
        return None

    def clear(self) -> None:
        """Remove them all."""
        for path in (*self._paths(), *self._folder.glob(f"*{_OLD_SUFFIX}")):
            _remove(path)

    def _paths(self) -> list[Path]:
        """The newest first."""
        return sorted(self._folder.glob(f"[0-9]*{_SUFFIX}"), reverse=True)


def _arrays(checkpoint: Checkpoint) -> dict[str, Any]:
    state = checkpoint.state
    text = json.dumps(
        {
            "epoch": state.epoch,
            "indices": state.indices,
            "active": state.active,
            "callbacks": [state.callbacks[index] for index in state.active],
            "extra": checkpoint.extra,
        }
    )
    return {_JSON: np.array(text), **state.arrays}


def _read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        Exception: of any kind, where it is not whole.
    """
    from networks.engine.cohort import CohortState

    with open(_digest_path(path), encoding="ascii", opener=plain_file) as file:
        expected = file.read(200).split()[0]
    if _sha256(path) != expected:
        raise ValueError("it does not match its checksum")
    _check_sizes(path)
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    plain = json.loads(str(arrays.pop(_JSON)))
    state = CohortState(
        epoch=plain["epoch"],
        indices=tuple(plain["indices"]),
        active=tuple(plain["active"]),
        callbacks=dict(zip(plain["active"], plain["callbacks"], strict=True)),
        arrays=arrays,
    )
    return Checkpoint(state, plain["extra"])


def _check_sizes(path: Path) -> None:
    """Raise ValueError where reading would allocate more than the file has bytes."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED:
                raise ValueError("it is compressed, which no checkpoint is")
            with archive.open(info) as member:
                np.lib.format.read_magic(member)
                shape, _, dtype = np.lib.format.read_array_header_1_0(member)
                if member.tell() + math.prod(shape) * dtype.itemsize != info.file_size:
                    raise ValueError("it holds another number of bytes than it announces")


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(_SUFFIX) + _DIGEST_SUFFIX)


def _sha256(path: Path) -> str:
    with open(path, "rb", opener=plain_file) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _digest_path(path).unlink(missing_ok=True)
