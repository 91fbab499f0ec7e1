"""Programs on a terminal of their own, as a user has them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0  # seconds, on a busy machine

# What our own programs send: colours and styles, the cursor, parts of lines erased.
_OURS = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[hl]|\x1b\[[0-9]*[ABCDGKJ]")
# What Textual sends beside those: modes and questions about them, a place of the cursor.
_TEXTUAL = re.compile(
    rb"\x1b\[\?[0-9]+(?:[hlsr]|\$p)|\x1b\[[<>=]?[0-9]*u|\x1b\[[0-9;]*H|\x1b\]22;[a-z-]*\x07"
)


def _environment() -> dict[str, str]:
    """Ours, without what would be believed more than the terminal's own size."""
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}


class Terminal:
    """A command whose controlling terminal is a pty. Use it with `with`.

    Args:
        words: of `python -m`.
        term: kind of the terminal.
        size: columns and rows.
        env: more variables.
        ignores_hangup: as under nohup.
    """

    def __init__(
        self,
        *words: object,
        term: str = "xterm-256color",
        size: tuple[int, int] = (80, 24),
        env: Mapping[str, str] | None = None,
        ignores_hangup: bool = False,
    ) -> None:
        self._master, slave = pty.openpty()
        self.resize(*size)

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            if ignores_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env={**_environment(), "TERM": term, **(env or {})},
            preexec_fn=take_terminal,
        )
        os.close(slave)
        self.seen = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait_for(self, words: str) -> str:
        """Read until something is shown; all that was shown since the last time."""
        deadline, begin = time.monotonic() + PATIENCE, len(self.seen)
        while words.encode() not in self.seen[begin:]:
            assert time.monotonic() < deadline, self.seen.decode(errors="replace")
            assert self._read(), f"it ended: {self.seen.decode(errors='replace')}"
        return self.seen[begin:].decode(errors="replace")

    def wait_end(self) -> int:
        """Read until the command ends; its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.seen.decode(errors="replace")
        return self.process.wait(PATIENCE)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size, as when its window is dragged."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_for(self, seconds: float) -> str:
        """Read for some time; what was shown meanwhile."""
        end, begin = time.monotonic() + seconds, len(self.seen)
        while time.monotonic() < end and self._read():
            pass
        return self.seen[begin:].decode(errors="replace")

    def close(self) -> None:
        """Close the terminal, as when a connection is lost."""
        if self._master >= 0:
            os.close(self._master)
        self._master = -1

    def foreign(self) -> bytes:
        """What was shown, without the control sequences of ours."""
        return _OURS.sub(b"", _TEXTUAL.sub(b"", self.seen))

    def _read(self) -> bool:
        """Read a little; whether there may be more."""
        ready, _, _ = select.select([self._master], [], [], 0.1)
        if not ready:
            return True
        try:
            part = os.read(self._master, 65536)
        except OSError:  # how Linux says that nobody has the other side open
            return False
        self.seen += part
        return bool(part)
