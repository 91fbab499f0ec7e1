"""A pool of worker processes with the interface of `concurrent.futures`.

A `ProcessPoolExecutor` breaks as a whole when one of its processes dies. Here each
worker has a pipe of its own and nothing is shared, so a death costs the task that
the worker was on, and no other.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar

from experiments.workers.worker_handle import Task, WorkerHandle
from experiments.workers.worker_main import OnMessage

T = TypeVar("T")


class WorkerPool(Executor):
    """Runs tasks in processes that live on between tasks.

    A task that raises gives its future the exception, with the worker's traceback as
    the cause. A task whose process dies gives it `WorkerDiedError`; another process takes
    that one's place. Used with `with`, an exception (Ctrl-C, too) ends all processes
    at once; else all tasks are finished first.

    Args:
        workers: processes at most; each begins with its first task.
        threads: of numerical libraries in each.
        on_message: called with the arguments of a task's `send`, in order, before
            its future is done; never by two at once. What it raises becomes the
            future's exception.
        initializer: called with `initargs` when a process begins; a module's function.
    """

    def __init__(
        self,
        workers: int,
        *,
        threads: int,
        on_message: OnMessage,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._closed, self._closing = False, threading.Lock()
        handle = _one_at_a_time(on_message)
        begin = None if initializer is None else partial(initializer, *initargs)
        self._new_worker = partial(WorkerHandle, self._tasks, threads, handle, begin)
        self._workers = [self._new_worker() for _ in range(workers)]

    def grow(self, workers: int) -> None:
        """Allow more processes than before.

        Raises:
            RuntimeError: after `shutdown`.
        """
        with self._closing:
            if self._closed:
                raise RuntimeError("cannot grow a pool that is shut down.")
            while len(self._workers) < workers:
                self._workers.append(self._new_worker())

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Queue a task: a module's function, its arguments and result picklable.

        Raises:
            RuntimeError: after `shutdown`.
        """
        with self._closing:
            if self._closed:
                raise RuntimeError("cannot submit a task to a pool that is shut down.")
            future: Future[T] = Future()
            self._tasks.put(Task(future, fn, args, kwargs))
            return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks; processes end when those that are queued are done."""
        with self._closing:
            if not self._closed:
                self._closed = True
                if cancel_futures:
                    self._cancel_queued()
                for _ in self._workers:
                    self._tasks.put(None)
        if wait:
            for worker in self._workers:
                worker.join()

    def terminate(self) -> None:
        """End all processes now: running tasks raise `WorkerDiedError`, others are cancelled."""
        with self._closing:
            self._cancel_queued()
        self.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.join()

    def _cancel_queued(self) -> None:
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            if task is None:
                self._tasks.put(None)  # a worker's sign to end: all tasks came before it
                return
            if task.future.cancel():
                task.future.set_running_or_notify_cancel()  # tells those who wait for it

    def __exit__(self, kind: Any, value: Any, trace: Any) -> bool | None:
        if kind is None:
            self.shutdown()
        else:
            self.terminate()
        return None


def _one_at_a_time(on_message: OnMessage) -> OnMessage:
    lock = threading.Lock()

    def locked(*messages: Any) -> None:
        with lock:
            on_message(*messages)

    return locked
