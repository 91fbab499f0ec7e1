"""Work in a thread, so that keys are answered meanwhile; its result is handled in the UI."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from textual.dom import DOMNode
from textual.worker import get_current_worker

T = TypeVar("T")


def in_background(
    node: DOMNode,
    group: str,
    work: Callable[[], T],
    handle: Callable[[T], object],
    fail: Callable[[str], object],
) -> None:
    """Do work in a thread; then call `handle` with its result, or `fail` with a sentence.

    Both are called in the UI's thread; neither is where the node is closed meanwhile, or newer
    work of its group has begun.
    """

    def run() -> None:
        worker = get_current_worker()
        try:
            call: Callable[[], object] = partial(handle, work())
        except Exception as error:  # above all of files that are damaged, missing or too large
            call = partial(fail, str(error) or type(error).__name__)

        def unless_late() -> None:
            if not worker.is_cancelled:
                call()

        node.call_later(unless_late)

    node.run_worker(run, group=group, thread=True, exclusive=True, exit_on_error=False)
