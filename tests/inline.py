"""A pool that needs no processes, so that tests can reach into what is trained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from experiments.worker import OnMessage, sending_to

T = TypeVar("T")


class InlinePool(Executor):
    """Runs each task in this process, while it is submitted.

    Args:
        on_message: called with what tasks `send`.
    """

    def __init__(self, on_message: OnMessage) -> None:
        self._on_message = on_message

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a task; its future is done."""
        future: Future[T] = Future()
        try:
            with sending_to(self._on_message):
                future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future
