"""Waiting for room on a full disk instead of losing what has been computed."""

from __future__ import annotations

import time
from collections.abc import Callable

from data.errors import NoSpaceError
from experiments.runs.directory import RunDirectory

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0  # seconds between two tries
_LOOK = 0.2  # seconds between two looks whether a stop is asked for


class StopAskedError(Exception):
    """A stop was asked for while the disk was full: what was to be written is not."""


def patiently(
    write: Callable[[], None],
    run: RunDirectory,
    paused: Callable[[str], None],
    continued: Callable[[], None],
) -> None:
    """Write, as soon as there is room.

    Args:
        write: may be called many times; leaves nothing behind when it fails.
        run: whose stop ends the waiting.
        paused: told why nothing goes on, once.
        continued: called when it goes on after that.

    Raises:
        StopAskedError: a stop was asked for meanwhile.
        DataError: it cannot be written, room or not.
    """
    pause, waits = _FIRST_PAUSE, False
    while True:
        try:
            write()
        except NoSpaceError as error:
            if not waits:
                paused(str(error))
            waits = True
        else:
            if waits:
                continued()
            return
        end = time.monotonic() + pause
        while time.monotonic() < end:
            if run.stop_is_asked:
                raise StopAskedError
            time.sleep(_LOOK)
        pause = min(2 * pause, _LONGEST_PAUSE)
