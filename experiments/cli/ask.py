"""Asks in a terminal what to do with a run after Ctrl-C."""

from __future__ import annotations

import select
import sys

from data.terminal.commands import echo
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive

_POLL = 0.1  # seconds
_QUESTION = """
The run goes on while you decide. Type
  d (or Enter) to detach: it goes on without this terminal
  s to stop it at the end of the epoch
  w to go on watching
Ctrl-C again ends it at once."""


def ask_what_to_do(run: RunDirectory) -> str:
    """The `ask` of `display.follow`: "s" without a terminal, "w" if the run ends meanwhile."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "s"
    echo(_QUESTION, err=True)
    while is_alive(run):
        # Not input(): a signal just before it would wait for a line to be typed.
        ready, _, _ = select.select([sys.stdin], [], [], _POLL)
        if ready:
            line = sys.stdin.readline()
            answer = line.strip().lower()[:1] or "d"
            if answer in ("d", "s", "w") or not line:
                return answer
            echo("Type d, s or w.", err=True)
    return "w"
