"""Our own commands as processes, with what they print."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from data.terminal.text import clean

_LOOK = 0.2  # seconds between two looks at what it has printed
_GRACE = 10.0  # seconds after which a process that was asked to end is killed
_BLOCK = 65536
_LARGEST_OUTPUT = 16 * 2**20  # bytes


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Args:
        status: its exit status; negative where a signal ended it.
        output: what it printed on standard output.
        problem: why it could not do what was asked, in a sentence, or "".
        cancelled: whether that was asked for.
    """

    status: int
    output: str
    problem: str
    cancelled: bool


class Command:
    """`python -m ARGUMENTS` in a session of its own: it goes on when this program ends.

    What it prints goes to nameless files, which vanish with it. Nothing of it reaches the
    terminal.

    Args:
        arguments: of Python's -m.
        heard: called with each line on standard error, in a thread; all texts are clean.
    """

    def __init__(
        self, arguments: Sequence[str], heard: Callable[[str], object] = lambda line: None
    ) -> None:
        self.arguments = tuple(arguments)
        self.lines: list[str] = []
        self._heard = heard
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = threading.Event()
        self._left = threading.Event()

    def start(self, ended: Callable[[Ended], object]) -> None:
        """Begin, and return at once.

        Args:
            ended: called at the end, in a thread; never once it was left.
        """

        def carry_out() -> None:
            end = self.run()
            if end is not None:
                ended(end)

        threading.Thread(target=carry_out, daemon=True, name="command").start()

    def run(self) -> Ended | None:
        """Begin, and wait for the end; None where it was left."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-m", *self.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=errors,
                    start_new_session=True,
                )
            except OSError as error:
                return Ended(-1, "", f"{sys.executable}: {error.strerror}.", False)
            self._process = process
            if self._asked.is_set():  # before there was anything to end
                self.cancel()
            tail = _Tail(errors)
            while True:
                over = self._wait(process)
                for line in tail.read(last=over):
                    self._hear(line)
                if self._left.is_set():
                    process.wait()  # so that it does not stay in the system's list
                    return None
                if over:
                    break
            return self._end(process.returncode, _text(output))

    def cancel(self) -> None:
        """Ask it to end; what it began is undone."""
        self._asked.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            threading.Timer(_GRACE, self._kill).start()

    def leave(self) -> None:
        """Let it go on, and hear of it no more."""
        self._left.set()

    def _wait(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it is over."""
        try:
            process.wait(_LOOK)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _hear(self, line: str) -> None:
        self.lines.append(line)
        self._heard(line)

    def _end(self, status: int, output: str) -> Ended:
        cancelled = self._asked.is_set() and status != 0
        said = [line.strip() for line in self.lines if line.strip()]
        problem = ""
        if status and not cancelled:
            last = said[-1] if said else "it said nothing"
            problem = last.removeprefix("Error: ")
            if last == problem:  # no sentence of ours
                problem = f"the command ended with exit status {status}, saying: {last}"
        return Ended(status, output, problem, cancelled)

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class _Tail:
    """Whole lines of a file that a process writes, as they come."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._place, self._rest = file, 0, b""

    def read(self, *, last: bool) -> list[str]:
        """New lines; the unfinished one, too, where it is the last time."""
        # The process writes where the file ends, so its place must not be moved.
        while block := os.pread(self._file.fileno(), _BLOCK, self._place):
            self._place += len(block)
            self._rest += block
        *whole, self._rest = self._rest.split(b"\n")
        if last and self._rest:
            whole, self._rest = [*whole, self._rest], b""
        return [clean(line.decode(errors="replace")).rstrip() for line in whole]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_LARGEST_OUTPUT).decode(errors="replace")
