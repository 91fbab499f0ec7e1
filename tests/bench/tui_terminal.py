"""The terminal UI on a terminal of its own, with a stopwatch."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_QUIET = 0.3  # seconds without a byte, after which all is drawn
_PATIENCE = 60.0  # seconds
_BLOCK = 65536
_A_LINE = 80  # bytes; fewer move the cursor only, or ring the bell


@dataclass(frozen=True)
class Press:
    """What a key has led to.

    Args:
        drawn: seconds until the screen began to change.
        seconds: until the last byte, also of what was read in the background.
        count: of bytes.
    """

    drawn: float
    seconds: float
    count: int


class BenchTerminal:
    """A command on a pty. Use it with `with`.

    Args:
        words: the command.
        size: columns and rows.
        environment: its variables.
    """

    def __init__(
        self, words: Sequence[str], size: tuple[int, int], environment: Mapping[str, str]
    ) -> None:
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self._last = self.began  # when the last byte came

    def __enter__(self) -> BenchTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._master)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def until(self, words: str) -> float:
        """Seconds from the start until something has been drawn."""
        seen, end = b"", self.began + _PATIENCE
        while words.encode() not in seen:
            left = end - time.perf_counter()
            part = self._read(left) if left > 0 else b""
            if not part:
                raise TimeoutError(f"{words!r} is not drawn")
            seen += part
        return self._last - self.began

    def settle(self) -> float:
        """Wait until nothing is drawn any more; seconds from the start to the last byte."""
        while self._read(_QUIET):
            pass
        return self._last - self.began

    def press(self, key: str) -> Press:
        """Press a key, and wait until nothing is drawn any more."""
        begin, drawn, count = time.perf_counter(), 0.0, 0
        os.write(self._master, key.encode())
        while part := self._read(_QUIET):
            count += len(part)
            if not drawn and count >= _A_LINE:
                drawn = self._last - begin
        return Press(drawn, self._last - begin if count else 0.0, count)

    def watch(self, seconds: float) -> tuple[float, float]:
        """Per cent of a core that it uses meanwhile, and bytes a second that it draws."""
        begin, before, count = time.perf_counter(), self._cpu(), 0
        while (left := begin + seconds - time.perf_counter()) > 0:
            count += len(self._read(left))
        spent = time.perf_counter() - begin
        return 100 * (self._cpu() - before) / spent, count / spent

    def memory(self) -> float:
        """Megabytes that it has in memory."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _cpu(self) -> float:
        """Seconds of a core that it has used so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self, seconds: float) -> bytes:
        """What comes next; nothing where that takes too long."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return b""
        try:
            part = os.read(self._master, _BLOCK)
        except OSError as error:  # how Linux says that nobody has the other side open
            raise RuntimeError("the terminal UI has ended") from error
        self._last = time.perf_counter()
        return part


def start_up() -> float:
    """Seconds that Python takes to do nothing."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began
