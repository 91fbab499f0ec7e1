"""Ends the program when its terminal or browser page is gone."""

from __future__ import annotations

import os
import select
import signal
import threading

HUNG_UP = 128 + signal.SIGHUP  # exit status, as if by the signal


def end_with_terminal(descriptor: int = 0) -> None:
    """End this process at once when the other side of a descriptor is closed.

    The signal that a lost terminal sends may be ignored (nohup), or not be sent at all
    (a pipe); then reading would find nothing again and again, for ever.
    """
    poll = select.poll()
    poll.register(descriptor, 0)  # no events but hang-ups

    def wait() -> None:
        poll.poll()
        os._exit(HUNG_UP)

    threading.Thread(target=wait, daemon=True, name="hang-up").start()
