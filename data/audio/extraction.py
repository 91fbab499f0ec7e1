"""Features of many tracks at once, by worker processes, through files on disk.

A track's features go to disk as they are computed, so that neither a long recording
nor a large collection has to fit into memory.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from data.audio.feature_store import FeatureStore
from data.audio.parameters import FeatureParameters
from data.audio.tracks import Extracted, Skipped, Track
from data.errors import DataError
from data.processes import starting_workers, usable_cores

Progress = Callable[[Track, Extracted | Skipped, float], None]

_CONTEXT: Any = multiprocessing.get_context("spawn")  # a fork would share locks and threads
_SECONDS_TO_DIE = 10.0  # that a process has whose pipe is closed


def extract(
    tracks: Iterable[Track], store: FeatureStore, workers: int | None, progress: Progress
) -> None:
    """Compute features of tracks by worker processes and add them to a store.

    Broken tracks are skipped with a reason. One that crashes its decoder or hangs costs
    its worker, which is replaced. The rows do not depend on the number of workers.

    Args:
        tracks: with names that differ.
        store: for the features.
        workers: processes; None means one a core.
        progress: called after each track, with its features, or why it has none, and the
            seconds that it took, divided by the number of workers.

    Raises:
        DataError: the folder cannot be written, or workers do not start.
    """
    # What ends a worker may not be the track, but want of memory, or that the machine slept.
    again: list[Track] = []
    for some, count in ((tracks, workers or usable_cores()), (again, 1)):
        with closing(_in_workers(some, store, count)) as done:
            for track, result, seconds in done:
                if isinstance(result, int):
                    if some is not again and -result != signal.SIGPROF:
                        again.append(track)
                        continue
                    result = Skipped(_death(track, result))
                if isinstance(result, Extracted):
                    store.add(track.key, result)
                progress(track, result, seconds / count)


def _death(track: Track, exit_code: int) -> str:
    if -exit_code in (signal.SIGPROF, signal.SIGALRM):
        return f"{track.name} keeps its decoder busy for ever: it is damaged; leave it out."
    how = f"exit code {exit_code}" if exit_code >= 0 else signal.Signals(-exit_code).name
    if -exit_code == signal.SIGKILL:
        how += ", often want of memory"
    return f"{track.name} crashes its decoder ({how}): it is damaged; leave it out."


class _Worker:
    """A process that computes the features of one track at a time."""

    def __init__(self, store: FeatureStore) -> None:
        self._file = store.new_file()
        self.track: Track | None = None
        self.is_ready = self._is_useful = False
        self._began = 0.0
        self.pipe, theirs = _CONTEXT.Pipe()
        settings = (self._file, store.parameters, os.getcwd())
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, *settings), daemon=True)
        with starting_workers():
            self._process.start()
        theirs.close()  # so that the process's end is the end of the pipe

    def begin(self, track: Track) -> None:
        """Send it a track."""
        self.track, self._began = track, time.monotonic()
        with suppress(OSError):  # that it has died shows where its answer is awaited
            self.pipe.send(track)

    @property
    def seconds(self) -> float:
        """Since it was sent its track."""
        return time.monotonic() - self._began

    def receive(self) -> Extracted | Skipped | None:
        """Its answer; None is its first, that it can begin.

        Raises:
            EOFError: it has died.
            DataError: it cannot write.
        """
        answer: Extracted | Skipped | Exception | None
        try:
            answer = self.pipe.recv()
        except OSError as error:
            raise EOFError from error
        if isinstance(answer, Exception):
            raise answer
        self.is_ready = True
        self._is_useful |= isinstance(answer, Extracted)
        return answer

    def end(self, patience: float = 0.0) -> int:
        """Its exit code; it is killed unless it ends by itself in so many seconds."""
        self.pipe.close()
        self._process.join(patience)
        self._process.kill()
        self._process.join()
        if not self._is_useful:
            self._file.unlink(missing_ok=True)
        return int(self._process.exitcode)


def _in_workers(
    tracks: Iterable[Track], store: FeatureStore, count: int
) -> Generator[tuple[Track, Extracted | Skipped | int, float]]:
    """Tracks as they are done, with their features, or the exit code of the worker that died."""
    waiting = deque(tracks)
    workers: dict[Any, _Worker] = {}  # by their pipes
    try:
        while waiting or workers:
            idle = sum(worker.track is None for worker in workers.values())
            for _ in range(min(count - len(workers), len(waiting) - idle)):
                worker = _Worker(store)
                workers[worker.pipe] = worker
            for pipe in wait(list(workers)):
                worker = workers[pipe]
                track, seconds = worker.track, worker.seconds
                try:
                    result: Extracted | Skipped | int | None = worker.receive()
                except EOFError:
                    del workers[pipe]
                    result = worker.end(_SECONDS_TO_DIE)
                    if not worker.is_ready:
                        raise DataError(
                            "the processes that decode cannot start (their first messages are "
                            f"above; exit code {result}): mend that, then run it again."
                        ) from None
                else:
                    if waiting:
                        worker.begin(waiting.popleft())
                    else:
                        del workers[pipe]
                        worker.end()
                if track is not None:
                    assert result is not None
                    yield track, result, seconds
    finally:
        for worker in workers.values():
            worker.end()


def _serve(pipe: Connection, file: Path, parameters: FeatureParameters, folder: str) -> None:
    from data.audio.extraction_worker import serve  # the parent needs no torch

    serve(pipe, file, parameters, folder)
