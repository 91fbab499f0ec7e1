"""One live owner per run: who carries a run out, and whether that process still lives.

The owner holds a lock on runs/<study>/<utc>-<id>/lock for life; the system gives it
back however the process ends. The file says who it is and is touched every few seconds.
On the same machine a process is known by its pid and the time it started; on another
one, by its signs of life alone.
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
from experiments.errors import RunError
from experiments.runs import checksums
from experiments.runs.directory import RunDirectory
from experiments.runs.process_id import Owner, started

HEARTBEAT = 5.0  # seconds between two signs of life
SILENCE = 30.0  # seconds without one, after which an owner on another machine counts as dead
_STRAGGLERS = 15.0  # seconds that the last owner's threads and workers have to end
_LARGEST = 4096  # bytes of a lock


class OwnedError(RunError):
    """Another process carries the run out."""


def owner_of(run: RunDirectory) -> Owner | None:
    """Who carries a run out, or died while doing so; None where it was given back."""
    try:
        with _lock(run).open("rb") as file:
            return _parse(file.read(_LARGEST))
    except OSError:
        return None


def is_alive(run: RunDirectory) -> bool:
    """Whether a run's owner lives, as far as one look can tell."""
    owner = owner_of(run)
    if owner is None:
        return False
    if owner.is_here:
        return started(owner.pid) == owner.started
    # Clocks differ between machines and may be set back, hence the absolute value.
    beat = _beat(run)
    return beat is not None and abs(time.time() - beat / 1e9) <= SILENCE


@contextmanager
def owning(
    run: RunDirectory, say: Callable[[str], None], silence: float = SILENCE
) -> Iterator[Owner]:
    """Be the owner of a run; nobody else is.

    Args:
        run: to carry out.
        say: told what this waits for.
        silence: seconds to watch an owner on another machine for signs of life.

    Raises:
        OwnedError: another process is.
        DataError: the folder cannot be written.
        RunError: it has links in it, or is on a file system without locks.
    """
    run.refuse_links()
    path = _lock(run)
    with writing(path):
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _take(lock, run)
        last = owner_of(run)
        if last is not None and not last.is_here:
            # Locks do not always reach from one machine to another.
            _watch(run, last, say, silence)
        _await_workers(run, say)
        me = Owner.me()
        with writing(path):
            text = checksums.dumps(asdict(me))
            os.pwrite(lock, text, 0)
            os.ftruncate(lock, len(text))
            os.fsync(lock)
        ended = threading.Event()
        beat = threading.Thread(target=_live, args=(lock, ended), daemon=True)
        beat.start()
        try:
            yield me
        finally:
            ended.set()
            beat.join()
            with suppress(OSError):
                os.ftruncate(lock, 0)  # given back, while this process may live on
    finally:
        os.close(lock)


def serve_owner(run: Path, parent: int) -> None:
    """Make this process one of a run's workers, as long as its owner lives.

    Args:
        run: the run's directory.
        parent: pid of the owner; where it has died meanwhile this process ends.
    """
    held = os.open(run / "workers.lock", os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(held, fcntl.LOCK_SH)  # given back when this process ends
    if os.getppid() != parent:
        os._exit(1)


def _take(lock: int, run: RunDirectory) -> None:
    """Lock an open file, or raise `OwnedError`."""
    end = time.monotonic() + _STRAGGLERS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # An owner that was killed holds it until the last of its threads has gone;
            # a new one has not said yet who it is.
            if is_alive(run) or time.monotonic() > end:
                raise OwnedError(_owned(run)) from None
            time.sleep(0.01)
        except OSError as error:
            raise RunError(
                f"{run.path} is on a file system without locks ({error.strerror}), so nothing "
                "would keep two processes from writing there. Put runs elsewhere with --runs."
            ) from error
        else:
            return


def _await_workers(run: RunDirectory, say: Callable[[str], None]) -> None:
    """Wait until no worker of an owner that died is left, who might write, too."""
    path = run.path / "workers.lock"
    with writing(path):
        lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        end, said = time.monotonic() + _STRAGGLERS, False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise OwnedError(
                        f"a worker of the process that carried {run.name} out before still lives. "
                        "Wait for its end, or end it, then try again."
                    ) from None
                if not said:
                    say("waiting for the workers of the last owner to end")
                    said = True
                time.sleep(0.05)
            else:
                return
    finally:
        os.close(lock)


def _watch(run: RunDirectory, last: Owner, say: Callable[[str], None], silence: float) -> None:
    """Refuse if an owner on another machine shows a sign of life."""
    say(f"the run was carried out by {last}: waiting {silence:.0f} s for a sign of life")
    first, end = _beat(run), time.monotonic() + silence
    while time.monotonic() < end:
        time.sleep(min(silence / 20, 1.0))
        if _beat(run) != first:
            raise OwnedError(_owned(run))


def _owned(run: RunDirectory) -> str:
    return (
        f"{run.name} is being carried out by {owner_of(run) or 'another process'}. Watch it with "
        f"python -m experiments watch {run.path.name}, or stop it first."
    )


def _live(lock: int, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT):
        with suppress(OSError):
            os.utime(lock)


def _beat(run: RunDirectory) -> int | None:
    """When the owner showed its last sign of life, in nanoseconds of its clock."""
    with suppress(OSError), _lock(run).open("rb") as file:  # opened: network file systems look anew
        return os.fstat(file.fileno()).st_mtime_ns
    return None


def _lock(run: RunDirectory) -> Path:
    return run.path / "lock"


def _parse(text: bytes) -> Owner | None:
    try:
        value = checksums.loads(text)
        if type(value["pid"]) is not int or value["pid"] < 1:
            return None
        names = ("host", "machine", "started", "since")
        return Owner(pid=value["pid"], **{name: str(value[name])[:200] for name in names})
    except (ValueError, KeyError):
        return None
