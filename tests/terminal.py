"""Programs on a terminal of their own, as a user has them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 90.0  # seconds, on a busy machine

# What our own programs send: colours and styles, the cursor, parts of lines erased.
_OURS = re.compile(rb"\x1b\[[0-9;]*m|\x1b\[\?25[hl]|\x1b\[[0-9]*[ABCDGKJ]")


class Terminal:
    """A command whose controlling terminal is a pty of 80 x 24. Use it with `with`."""

    def __init__(self, *words: object, term: str = "xterm-256color") -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-m", *map(str, words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env={**os.environ, "TERM": term},
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

    def close(self) -> None:
        """Close the terminal, as when a connection is lost."""
        if self._master >= 0:
            os.close(self._master)
        self._master = -1

    def foreign(self) -> bytes:
        """What was shown, without the control sequences of ours."""
        return _OURS.sub(b"", self.seen)

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
