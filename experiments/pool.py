"""Processes that train, behind the face of `concurrent.futures`.

A `ProcessPoolExecutor` breaks as a whole when one of its processes dies. Here each
worker has a pipe of its own and nothing is shared, so a death costs the task that
the worker was on, and no other.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from experiments.worker import OnMessage, serve

T = TypeVar("T")
_SECONDS_TO_END = 10.0  # that a worker has, once nothing is asked of it any more
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_starting = threading.Lock()  # the environment and the signals of this process are one's at a time


class WorkerDiedError(Exception):
    """The process of a task ended before the task did: one sentence for the user.

    Args:
        sentence: with the pid.
        reason: how it ended, such as "SIGKILL".
    """

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class WorkerPool(Executor):
    """Runs tasks in processes that live on between tasks.

    A task that raises gives its future the exception, with the worker's traceback as
    the cause. A task whose process dies gives it `WorkerDiedError`; another process takes
    that one's place. Used with `with`, an exception (Ctrl-C, too) ends all processes
    at once; else all tasks are done first.

    Args:
        workers: processes at most; each begins with its first task.
        threads: of numerical libraries in each.
        on_message: called with what tasks `send`, in the order of each task, before
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
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closed, self._closing = False, threading.Lock()
        told = _one_at_a_time(on_message)
        begin = None if initializer is None else partial(initializer, *initargs)
        self._new_slot = partial(_Slot, self._tasks, threads, told, begin)
        self._slots = [self._new_slot() for _ in range(workers)]

    def grow(self, workers: int) -> None:
        """Allow more processes than before.

        Raises:
            RuntimeError: after `shutdown`.
        """
        with self._closing:
            if self._closed:
                raise RuntimeError("cannot grow a pool that is shut down.")
            while len(self._slots) < workers:
                self._slots.append(self._new_slot())

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Queue a task: a module's function, its arguments and result picklable.

        Raises:
            RuntimeError: after `shutdown`.
        """
        with self._closing:
            if self._closed:
                raise RuntimeError("cannot submit a task to a pool that is shut down.")
            future: Future[T] = Future()
            self._tasks.put(_Task(future, fn, args, kwargs))
            return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks; processes end when those that are queued are done."""
        with self._closing:
            if not self._closed:
                self._closed = True
                if cancel_futures:
                    self._cancel_queued()
                for _ in self._slots:
                    self._tasks.put(None)
        if wait:
            for slot in self._slots:
                slot.join()

    def terminate(self) -> None:
        """End all processes now: running tasks raise `WorkerDiedError`, others are cancelled."""
        with self._closing:
            self._cancel_queued()
        self.shutdown(wait=False, cancel_futures=True)
        for slot in self._slots:
            slot.kill()
        for slot in self._slots:
            slot.join()

    def _cancel_queued(self) -> None:
        while True:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return
            if task is None:
                self._tasks.put(None)  # a slot's sign to end: all tasks came before it
                return
            if task.future.cancel():
                task.future.set_running_or_notify_cancel()  # tells those who wait for it

    def __exit__(self, kind: Any, value: Any, trace: Any) -> bool | None:
        if kind is None:
            self.shutdown()
        else:
            self.terminate()
        return None


@dataclass(frozen=True)
class _Task:
    future: Future[Any]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class _Slot:
    """A thread of the parent's that feeds one process."""

    def __init__(
        self,
        tasks: queue.SimpleQueue[_Task | None],
        threads: int,
        on_message: OnMessage,
        begin: Callable[[], object] | None,
    ) -> None:
        self._tasks, self._threads, self._on_message = tasks, threads, on_message
        self._begin_process = begin
        self._context = multiprocessing.get_context("spawn")  # a fork would share locks and threads
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._killed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def kill(self) -> None:
        with _starting:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            if task.future.set_running_or_notify_cancel():
                try:
                    task.future.set_result(self._run(task))
                except BaseException as error:
                    task.future.set_exception(error)
            del task
        self._end()

    def _run(self, task: _Task) -> Any:
        work = pickle.dumps((task.function, task.args, task.kwargs))
        problem: BaseException | None = None
        try:
            pipe = self._begin(work)
            while True:
                kind, value = pipe.recv()
                if kind == "result":
                    break
                if kind == "error":
                    problem = problem or _with_cause(*value)
                    break
                try:
                    self._on_message(value)
                except Exception as error:  # the task goes on: its records are worth having
                    problem = problem or error
        except (EOFError, OSError) as error:
            raise self._epitaph() from error
        if problem is not None:
            raise problem
        return value

    def _begin(self, work: bytes) -> Connection:
        """The pipe to a process that has begun a task."""
        used = self._process is not None
        try:
            pipe = self._worker()
            pipe.send_bytes(work)
            pipe.recv()  # that it has begun
        except (EOFError, OSError):
            if not used:
                raise
            self._epitaph()  # it had died since its last task: nothing is lost
            return self._begin(work)
        return pipe

    def _worker(self) -> Connection:
        """The pipe to a living process."""
        if self._pipe is None or self._process is None or not self._process.is_alive():
            self._end()
            with _starting, _environment(self._threads), _interrupts_ignored():
                if self._killed:
                    raise EOFError
                self._pipe, theirs = self._context.Pipe()
                self._process = self._context.Process(
                    target=serve, args=(theirs, self._begin_process), daemon=True
                )
                self._process.start()
                theirs.close()  # so that the process's end is the end of the pipe
        assert self._pipe is not None
        return self._pipe

    def _epitaph(self) -> WorkerDiedError:
        process, self._process = self._process, None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if process is None:
            reason = "it was ended before it began its task"
            return WorkerDiedError("a worker process was ended before it began its task.", reason)
        process.join(_SECONDS_TO_END)
        code = process.exitcode
        how = "it closed its pipe" if code is None else f"exit code {code}"
        if code is not None and code < 0:
            how = _signal_name(-code)
        hint = (
            " Often that is want of memory: fewer --workers need less."
            if code == -signal.SIGKILL
            else ""
        )
        if process.is_alive():
            process.kill()
            process.join()
        return WorkerDiedError(
            f"worker process {process.pid} ended in the middle of its task ({how}).{hint}", how
        )

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._process is not None:
            self._process.join(_SECONDS_TO_END)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
            self._process = None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return f"signal {number}"


class _WorkerTracebackError(Exception):
    """Where in the worker it happened."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _with_cause(error: BaseException, text: str) -> BaseException:
    error.__cause__ = _WorkerTracebackError(text)
    return error


def _one_at_a_time(on_message: OnMessage) -> OnMessage:
    lock = threading.Lock()

    def locked(message: Any) -> None:
        with lock:
            on_message(message)

    return locked


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """What a process that starts now finds in its environment."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Hold Ctrl-C back from processes that start now: they inherit this thread's mask."""
    if not hasattr(signal, "pthread_sigmask"):
        yield  # not on this system
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
