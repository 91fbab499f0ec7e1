"""What identifies a process across machines, containers and restarts."""

from __future__ import annotations

import os
import socket
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ProcessId:
    """What identifies a process, across machines and restarts.

    Args:
        host: name of its machine.
        machine: of the kernel's boot and of the container, in which pids mean something.
        pid: its number.
        started: start time in the kernel's ticks, which no later process of that pid shares.
        since: when it locked the run, UTC.
    """

    host: str
    machine: str
    pid: int
    started: str
    since: str

    @classmethod
    def me(cls) -> ProcessId:
        """The current process."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(socket.gethostname(), this_machine(), os.getpid(), started(os.getpid()), now)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> ProcessId:
        """Parse what `dataclasses.asdict` made; raises KeyError, ValueError."""
        if type(value["pid"]) is not int or value["pid"] < 1:
            raise ValueError("a process's number is at least 1")
        names = ("host", "machine", "started", "since")
        return cls(pid=value["pid"], **{name: str(value[name])[:200] for name in names})

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that its pid means something."""
        return self.machine == this_machine()

    @property
    def is_running(self) -> bool:
        """Whether it lives, where it is on this machine."""
        return started(self.pid) == self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


def started(pid: int) -> str:
    """Start time of a process, in the kernel's ticks; "" where none of that pid lives."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        return os.fsdecode(subprocess.run(command, capture_output=True).stdout).strip()
    # After the name, which may hold anything, in brackets: state, ppid, ..., start time.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


@lru_cache(maxsize=1)
def this_machine() -> str:
    """The boot of this kernel and the container's own pids, or the host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()
