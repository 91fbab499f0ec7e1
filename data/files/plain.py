"""Opening files of others for reading: never a pipe or a device, which may not end."""

from __future__ import annotations

import errno
import os
import stat


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
