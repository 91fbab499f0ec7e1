"""One worker process of a pool, and the thread that sends it tasks."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from experiments.workers.worker_main import OnMessage, serve

_SECONDS_TO_END = 10.0  # that a worker has, once there are no more tasks
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_starting = threading.Lock()  # changes the environment and the signals of this process


class WorkerDiedError(Exception):
    """The process of a task ended before the task did: one sentence for the user.

    Args:
        sentence: with the pid.
        reason: how it ended, such as "SIGKILL".
    """

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Task:
    """A function to call with its arguments, and where its result goes."""

    future: Future[Any]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class WorkerHandle:
    """A thread that sends tasks to one worker process, and starts another where that dies.

    Args:
        tasks: a queue, which ends with a None.
        threads: of numerical libraries in the process.
        on_message: called with what tasks send.
        begin: called in each process first.
    """

    def __init__(
        self,
        tasks: queue.SimpleQueue[Task | None],
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
        """Wait until its process has ended, after a None in the queue."""
        self._thread.join()

    def kill(self) -> None:
        """End the process now; no other takes its place."""
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

    def _run(self, task: Task) -> Any:
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
                    self._on_message(*value)
                except Exception as error:  # the task goes on: its records are worth having
                    problem = problem or error
        except (EOFError, OSError) as error:
            raise self._death_error() from error
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
            self._death_error()  # it had died since its last task: nothing is lost
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
                process = self._context.Process(
                    target=serve, args=(theirs, self._begin_process), daemon=True
                )
                process.start()
                self._process = process
                theirs.close()  # so that the process's end is the end of the pipe
        assert self._pipe is not None
        return self._pipe

    def _death_error(self) -> WorkerDiedError:
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
    """The traceback of the worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _with_cause(error: BaseException, text: str) -> BaseException:
    error.__cause__ = _WorkerTracebackError(text)
    return error


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Set the environment of processes that start inside the block."""
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
