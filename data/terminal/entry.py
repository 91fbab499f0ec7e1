"""How every command begins: with our own packages, and ended quietly by Ctrl-C from then on."""

from __future__ import annotations

import io
import signal
import sys
from importlib import import_module

from data.import_paths import prefer_ours

INTERRUPTED = 128 + signal.SIGINT  # exit status


def run_command(module: str, name: str | None = None) -> None:
    """Import a command's module, which may take seconds, and call its `main`.

    Characters that standard output cannot encode are printed as question marks.

    Args:
        module: whose `main` is a click command.
        name: of the program in its messages; None takes the name it was called by.
    """
    prefer_ours()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    try:
        import_module(module).main(prog_name=name)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
