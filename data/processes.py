"""Worker processes: how many, and how they start."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import ModuleType


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def starting_workers() -> Iterator[None]:
    """Processes that `multiprocessing` spawns inside neither run the script nor see Ctrl-C.

    A spawned process imports the parent's main module, which runs a script without an
    `if __name__ == "__main__"` guard again. What our workers call is in packages, so an
    empty module stands in for it. They inherit a signal mask without SIGINT: Ctrl-C
    reaches the parent alone, which ends them.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    masks = hasattr(signal, "pthread_sigmask")
    if masks:
        resource_tracker.ensure_running()  # the first spawn would start it, and unblock SIGINT
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else None
    try:
        yield
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        sys.modules["__main__"] = script


def end_with_parent() -> None:
    """Let this process, which `multiprocessing` has spawned, end as soon as its parent has."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)  # there is nobody to send results to

    threading.Thread(target=wait, daemon=True).start()
