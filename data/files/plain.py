"""Opening files of others for reading: never a pipe or a device, which may not end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from data.errors import DataError


def plain_file(path: str, flags: int) -> int:
    """An `opener` for `open` that refuses pipes and devices; `open` itself refuses folders.

    Returns:
        A file descriptor.

    Raises:
        OSError: it is a pipe, device or socket, or cannot be opened.

    Example:
        >>> with open("pyproject.toml", encoding="utf-8", opener=plain_file) as file:
        ...     text = file.read()
    """
    # Opening a pipe waits for a writer, but for this flag.
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file", path)
    return descriptor


def text_lines(path: Path, what: str) -> list[str]:
    """The lines of a file, trimmed.

    Args:
        path: of the file.
        what: it should be, for the sentence.

    Raises:
        DataError: it cannot be read, or is no text.
    """
    try:
        with open(path, encoding="utf-8-sig", opener=plain_file) as file:
            return [line.strip() for line in file]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be read as {what}: {reason}.") from error
