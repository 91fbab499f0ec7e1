"""Waits for room on a full disk instead of losing what has been computed."""

from __future__ import annotations

import time
from collections.abc import Callable

from data.errors import NoSpaceError
from experiments.runs.directory import RunDirectory
from experiments.runs.events import Continued, Paused

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds between two tries
_LOOK = 0.2  # seconds between two checks for a stop request


class StopAskedError(Exception):
    """A stop was requested while the disk was full, and nothing was written."""


def retry_when_disk_full(
    write: Callable[[], None], run: RunDirectory, notify: Callable[[Paused | Continued], None]
) -> None:
    """Call a function that writes; while the disk is full, again and again.

    Args:
        write: may be called many times; leaves nothing behind when it fails.
        run: a stop request for it ends the waiting.
        notify: called once when the waiting begins, and when it has ended in success.

    Raises:
        StopAskedError: a stop was requested meanwhile.
        DataError: writing failed for another reason than a full disk.
    """
    pause, waits = _FIRST_PAUSE, False
    while True:
        try:
            write()
        except NoSpaceError as error:
            if not waits:
                notify(Paused(str(error)))
            waits = True
        else:
            if waits:
                notify(Continued())
            return
        end = time.monotonic() + pause
        while time.monotonic() < end:
            if run.stop_is_asked:
                raise StopAskedError
            time.sleep(_LOOK)
        pause = min(2 * pause, _LONGEST_PAUSE)
