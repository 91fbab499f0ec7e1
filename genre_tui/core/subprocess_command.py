"""Commands of this project as subprocesses, with their output."""

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

_POLL = 0.2  # seconds between two reads of its output
_GRACE = 10.0  # seconds between SIGTERM and SIGKILL
_BLOCK = 65536
_LARGEST_OUTPUT = 16 * 2**20  # bytes


@dataclass(frozen=True)
class CommandResult:
    """How a command ended; its status is negative where a signal ended it."""

    status: int
    output: str
    problem: str
    cancelled: bool


class SubprocessCommand:
    """`python -m ARGUMENTS` in a session of its own: it outlives this program.

    Its output goes to unnamed temporary files, never to the terminal.

    `on_line` is called in a thread with each line of standard error.
    """

    def __init__(
        self, arguments: Sequence[str], on_line: Callable[[str], object] = lambda line: None
    ) -> None:
        self.arguments = tuple(arguments)
        self.lines: list[str] = []
        self._on_line = on_line
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = threading.Event()
        self._detached = threading.Event()

    def start(self, on_end: Callable[[CommandResult], object]) -> None:
        """Start it; `on_end` is called in a thread at its end, unless it was detached."""

        def run() -> None:
            if result := self.run():
                on_end(result)

        threading.Thread(target=run, daemon=True, name="command").start()

    def run(self) -> CommandResult | None:
        """Start it, and wait for its end; None where it was detached."""
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
                return CommandResult(-1, "", f"{sys.executable}: {error.strerror}.", False)
            self._process = process
            if self._cancelled.is_set():  # before the process was there
                self.cancel()
            tail = _Tail(errors)
            while True:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL)
                has_ended = process.returncode is not None
                for line in tail.read(last=has_ended):
                    self.lines.append(line)
                    self._on_line(line)
                if self._detached.is_set():
                    process.wait()  # so that it does not stay in the system's list
                    return None
                if has_ended:
                    break
            output.seek(0)
            text = output.read(_LARGEST_OUTPUT).decode(errors="replace")
            return self._result(process.returncode, text)

    def cancel(self) -> None:
        """Terminate it; it undoes what it began."""
        self._cancelled.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            threading.Timer(_GRACE, self._kill).start()

    def detach(self) -> None:
        """Let it run, and make no further calls for it."""
        self._detached.set()

    def _result(self, status: int, output: str) -> CommandResult:
        cancelled = self._cancelled.is_set() and status != 0
        printed = [line.strip() for line in self.lines if line.strip()]
        problem = ""
        if status and not cancelled:
            last = printed[-1] if printed else "it said nothing"
            problem = last.removeprefix("Error: ")
            if last == problem:  # not a sentence for users
                problem = f"the command ended with exit status {status}, saying: {last}"
        return CommandResult(status, output, problem, cancelled)

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


class _Tail:
    """Complete lines of a file that a process is writing."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._place, self._rest = file, 0, b""

    def read(self, *, last: bool) -> list[str]:
        """New lines, with the incomplete one where this is the last read."""
        # The process shares the file's offset, so it must not be moved.
        while block := os.pread(self._file.fileno(), _BLOCK, self._place):
            self._place += len(block)
            self._rest += block
        *whole, self._rest = self._rest.split(b"\n")
        if last and self._rest:
            whole, self._rest = [*whole, self._rest], b""
        return [line.decode(errors="replace").rstrip() for line in whole]
