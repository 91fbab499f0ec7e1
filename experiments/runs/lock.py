"""The lock of a run: at most one process trains it, and everybody can see which.

The run process holds a lock on runs/<study>/<utc>-<id>/lock for life; the system releases it
however the process ends. The file names the process and is touched every few seconds.
On the same machine a process is identified by its pid and start time; on another one, only
by its heartbeat.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from data.files.atomic import writing
from data.files.plain import plain_file
from experiments.errors import RunError
from experiments.runs import checksums
from experiments.runs.directory import LOCK, RunDirectory
from experiments.runs.process_id import ProcessId

HEARTBEAT = 5.0  # seconds between two heartbeats
SILENCE = 30.0  # seconds without one, after which a process on another machine counts as dead
_STRAGGLERS = 15.0  # seconds that the last process's threads and workers have to end
# Never through a link, which somebody else may have made, nor waiting for the other end of a pipe.
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RunLockedError(RunError):
    """Another process trains the run."""


def lock_holder(run: RunDirectory) -> ProcessId | None:
    """The process that holds a run's lock, or died holding it; None where it was released."""
    try:
        return run.read_owner()
    except (OSError, ValueError, KeyError):
        return None


def is_alive(run: RunDirectory) -> bool:
    """Whether the process of a run lives."""
    holder = lock_holder(run)
    if holder is None:
        return False
    if holder.is_here:
        return holder.is_running
    if _is_locked(run):
        return True
    # Locks do not reach from every machine to every other, heartbeats do. Clocks differ between
    # machines and may be set back, hence the absolute value.
    beat = _last_heartbeat(run)
    return beat is not None and abs(time.time() - beat / 1e9) <= SILENCE


@contextmanager
def hold_run_lock(
    run: RunDirectory, report: Callable[[str], None], silence: float = SILENCE
) -> Iterator[ProcessId]:
    """Hold the lock of a run inside the block.

    Another process may take it meanwhile where locks do not reach, such as one on another machine
    after this one was paused: `RunDirectory.require_owner` notices.

    Args:
        run: to lock.
        report: called with a sentence about what this waits for.
        silence: seconds to wait for a heartbeat of a process on another machine.

    Raises:
        RunLockedError: another process holds it.
        DataError: the folder cannot be written.
        RunError: it is on a file system without locks.
    """
    path = _path(run)
    with writing(path):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | _FLAGS, 0o644)
    try:
        _lock(lock, run)
        last = lock_holder(run)
        if last is not None and not last.is_here:
            # Locks do not always reach from one machine to another.
            _await_heartbeat(run, last, report, silence)
        _await_workers(run, report)
        me = ProcessId.me()
        with writing(path):
            text = checksums.dumps(asdict(me))
            os.pwrite(lock, text, 0)
            os.ftruncate(lock, len(text))
            os.fsync(lock)
        ended = threading.Event()
        beat = threading.Thread(target=_beat, args=(run, me, lock, ended), daemon=True)
        beat.start()
        try:
            yield me
        finally:
            ended.set()
            beat.join()
            with suppress(OSError):
                if lock_holder(run) in (me, None):  # None: the folder has moved, or gone
                    os.ftruncate(lock, 0)  # released, while this process may live on
    finally:
        os.close(lock)


def join_run(run: Path, parent: int) -> None:
    """Make this process a worker of a run: the run stays locked until it ends.

    Args:
        run: the run's directory.
        parent: pid of the run process; where it has died meanwhile this process ends.
    """
    held = os.open(run / "workers.lock", os.O_RDONLY | os.O_CREAT | _FLAGS, 0o644)
    fcntl.flock(held, fcntl.LOCK_SH)  # released when this process ends
    if os.getppid() != parent:
        os._exit(1)


def _lock(lock: int, run: RunDirectory) -> None:
    """Lock an open file, or raise `RunLockedError`."""
    end = time.monotonic() + _STRAGGLERS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_the_file(lock, _path(run)):
                raise RunError(f"{run.path} was removed or moved at this moment.")
            return
        except BlockingIOError:
            # A process that was killed holds it until the last of its threads has gone;
            # a new one has not written its id yet.
            if is_alive(run) or time.monotonic() > end:
                raise _locked(run) from None
            time.sleep(0.01)
        except OSError as error:
            raise RunError(
                f"{run.path} is on a file system without locks ({error.strerror}), so nothing "
                "would keep two processes from writing there. Put runs elsewhere with --runs."
            ) from error


def _await_workers(run: RunDirectory, report: Callable[[str], None]) -> None:
    """Wait until no worker of a process that died is left, which might write, too."""
    path = run.path / "workers.lock"
    with writing(path):
        lock = os.open(path, os.O_RDONLY | os.O_CREAT | _FLAGS, 0o644)
    try:
        end, waits = time.monotonic() + _STRAGGLERS, False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > end:
                    raise RunLockedError(
                        f"a worker of the last process of {run.name} still lives. Wait for its "
                        "end, or end it, then try again."
                    ) from None
                if not waits:
                    report("waiting for the workers of the last process to end")
                waits = True
                time.sleep(0.05)
    finally:
        os.close(lock)


def _await_heartbeat(
    run: RunDirectory, last: ProcessId, report: Callable[[str], None], silence: float
) -> None:
    """Refuse if a process on another machine shows a heartbeat."""
    report(f"the run was trained by {last}: waiting {silence:.0f} s for its heartbeat")
    first, end = _last_heartbeat(run), time.monotonic() + silence
    while time.monotonic() < end:
        time.sleep(min(silence / 20, 1.0))
        if _last_heartbeat(run) != first:
            raise _locked(run)


def _locked(run: RunDirectory) -> RunLockedError:
    return RunLockedError(
        f"{run.name} is being trained by {lock_holder(run) or 'another process'}. Watch it with "
        f"python -m experiments watch {run.path.name}, or stop it first."
    )


def _beat(run: RunDirectory, me: ProcessId, lock: int, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT):
        if lock_holder(run) not in (me, None):
            return  # it is another process's heartbeat now
        with suppress(OSError):
            os.utime(lock)


def _is_locked(run: RunDirectory) -> bool:
    """Whether a process is seen to hold the lock; False where locks do not reach, too."""
    try:
        lock = os.open(_path(run), os.O_RDONLY | _FLAGS)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(lock)


def _is_the_file(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one of that path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _last_heartbeat(run: RunDirectory) -> int | None:
    """In nanoseconds since 1970, by the clock of the file system."""
    # Opened, as network file systems look at a file again only then.
    with suppress(OSError), open(_path(run), "rb", opener=plain_file) as file:
        return os.fstat(file.fileno()).st_mtime_ns
    return None


def _path(run: RunDirectory) -> Path:
    return run.path / LOCK
