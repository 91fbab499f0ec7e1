"""A folder for intermediate files, removed at the end or, after a kill, by the next process."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.files.atomic import writing


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside the file `target`, removed when the block ends.

    Folders that killed processes of this host left there are removed, too.

    Raises:
        DataError: the folder cannot be written.
    """
    host = "".join(char for char in socket.gethostname() if char.isalnum())
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f".scratch-{host}-*"):
            if not _alive(left.name.split("-")[2]):
                shutil.rmtree(left, ignore_errors=True)
        prefix = f".scratch-{host}-{os.getpid()}-"
        scratch = tempfile.TemporaryDirectory(prefix=prefix, dir=target.parent)
    with scratch as path:
        yield Path(path)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        pass  # it is another user's
    return True
