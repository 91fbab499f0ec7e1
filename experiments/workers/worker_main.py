"""The main function of a worker process."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from data.processes import end_with_parent

OnMessage = Callable[..., None]

_local = threading.local()  # where `send` sends to


def send(*messages: Any) -> None:
    """Pass messages to the pool's `on_message`, in one call, from within a task.

    Args:
        messages: picklable. Outside a task they go nowhere.
    """
    sending()(*messages)


def sending() -> OnMessage:
    """The function that `send` calls in this thread, for another thread of the same task."""
    target: OnMessage | None = getattr(_local, "target", None)
    return target or (lambda *messages: None)


@contextmanager
def sending_to(target: OnMessage) -> Iterator[None]:
    """Let `send` call `target`, in this thread."""
    before = getattr(_local, "target", None)
    _local.target = target
    try:
        yield
    finally:
        _local.target = before


def serve(pipe: Connection, begin: Callable[[], object] | None = None) -> None:
    """Run the tasks that come through a pipe, until it closes.

    Args:
        pipe: to the pool.
        begin: called first.
    """
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent handles both
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
    if begin is not None:
        begin()
    _local.target = _sending_through(pipe)
    while True:
        try:
            work = pipe.recv_bytes()
        except (EOFError, OSError):
            with suppress(OSError):
                sys.stdout.flush()  # what a user's own function has printed
            os._exit(0)  # tearing torch and Keras down takes as long as a small training
        pipe.send(("begun", None))
        try:
            function, args, kwargs = pickle.loads(work)
            answer = pickle.dumps(("result", function(*args, **kwargs)))
        except BaseException as error:
            answer = _error(error)
        pipe.send_bytes(answer)


def _sending_through(pipe: Connection) -> OnMessage:
    lock = threading.Lock()  # a task may have several threads

    def send_all(*messages: Any) -> None:
        with lock:
            pipe.send(("messages", messages))

    return send_all


def _error(error: BaseException) -> bytes:
    text = traceback.format_exc()
    try:
        answer = pickle.dumps(("error", (error, text)))
        pickle.loads(answer)  # some can be written but not read
    except Exception:
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        answer = pickle.dumps(("error", (plain, text)))
    return answer
