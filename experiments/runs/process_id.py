"""Which process a process is: so that it is not taken for a later one, or one elsewhere."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process, so that it is not taken for another one.

    Args:
        host: name of its machine.
        machine: of the kernel's boot and of the container, in which pids mean something.
        pid: its number.
        started: when, as the kernel counts; tells it from a later process of that pid.
        since: when it took the run, UTC.
    """

    host: str
    machine: str
    pid: int
    started: str
    since: str

    @classmethod
    def me(cls) -> Owner:
        """The process that asks."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(socket.gethostname(), _this_machine(), os.getpid(), started(os.getpid()), now)

    @property
    def is_here(self) -> bool:
        """Whether its pid means something in this process."""
        return self.machine == _this_machine()

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


@lru_cache(maxsize=1)
def _this_machine() -> str:
    """The boot of this kernel and the container's own pids, or the host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def started(pid: int) -> str:
    """When a process started, in the kernel's ticks; "" where none of that pid lives."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else _by_ps(pid)
    # After the name, which may hold anything, in brackets: state, ppid, ..., start time.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _by_ps(pid: int) -> str:
    """As `_started`, where there is no /proc."""
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()
