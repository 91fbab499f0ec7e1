"""Writing files so that they are there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import DataError, NoSpaceError

TEMPORARY = ".tmp"  # how names of files end that a process was writing when it was killed
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = ("No space left", "Disk quota exceeded", "File too large", "errno = 28", "errno = 27")


@contextmanager
def commit(path: Path, *, below: Path | None = None) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends.

    The data reaches the disk before the name does. When the block raises, the
    temporary file goes and `path` stays as it was.

    Args:
        path: of the file; its folder is made where it is missing.
        below: a folder that is there, and is not made again where it has gone.

    Raises:
        NoSpaceError: the disk is full.
        DataError: the folder cannot be written, or `path` is a device, pipe or folder.
    """
    with writing(path):
        if path.exists() and not path.is_file():
            raise DataError(
                f"{path} is no plain file, so that it is not replaced. Name another file."
            )
        if below is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            for part in reversed(path.relative_to(below).parents[:-1]):
                (below / part).mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
        temporary.touch(exist_ok=False)
    try:
        with writing(path):
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's errors while writing `path` into one sentence.

    Raises:
        NoSpaceError: the disk is full.
        DataError: `path` cannot be written.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        # HDF5 passes the system's error on in its text only, at times as a RuntimeError.
        full = getattr(error, "errno", None) in _FULL
        if full or any(words in str(error) for words in _FULL_WORDS):
            raise NoSpaceError(
                f"no space left to write {path}: it was not written. Free some space or name "
                "another folder, then run the same command again."
            ) from error
        if isinstance(error, RuntimeError):
            raise
        raise DataError(f"{path} cannot be written: {error.strerror or error}.") from error


def check_space(path: Path, size: int) -> None:
    """Raise DataError unless `size` bytes fit on the disk that holds `path`."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    free = shutil.disk_usage(folder).free
    if free < size:
        raise NoSpaceError(
            f"no space left to write {path}: it needs {size / 1e6:.0f} MB, {free / 1e6:.0f} MB are "
            "free. Free some space or name another folder."
        )


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
