"""Work that would hold up the keys is done in a thread, and its result comes back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from textual.dom import DOMNode
from textual.worker import get_current_worker

from data.errors import DataError
from data.terminal.text import clean
from experiments.errors import MISSHAPEN

T = TypeVar("T")
_BAD_FILES = (DataError, OSError, RuntimeError, MemoryError, *MISSHAPEN)


def in_background(
    node: DOMNode,
    group: str,
    work: Callable[[], T],
    take: Callable[[T], object],
    fail: Callable[[str], object],
) -> None:
    """Do work in a thread; where its group is asked for other work, its result is dropped.

    Args:
        node: screen or widget that wants the result; nothing is told when it is gone.
        group: of the node's work, of which one at a time counts.
        work: what to do, reading only what no other thread changes.
        take: is given the result, in the interface's thread.
        fail: is given a sentence, likewise.
    """

    def run() -> None:
        worker = get_current_worker()
        try:
            tell: Callable[[], object] = partial(take, work())
        except _BAD_FILES as error:
            tell = partial(fail, clean(str(error)) or type(error).__name__)

        def unless_late() -> None:
            if not worker.is_cancelled:
                tell()

        node.call_later(unless_late)

    node.run_worker(run, group=group, thread=True, exclusive=True, exit_on_error=False)
