"""The process of a run: `python -m experiments.execution.run_process RUN [DATASET]`.

It holds the run's lock, sends cohorts to its workers and writes the events. It imports
neither Keras nor torch, so that what kills a worker leaves it alive. `launch` starts it.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path

from data.errors import DataError
from data.terminal.commands import echo
from experiments.design.request import BEGUN
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import hold_run_lock
from networks.errors import ConfigError

_LONGEST_ANSWER = 8192  # characters


def main(arguments: list[str]) -> int:
    """Train a run; the exit status.

    Args:
        arguments: the run's directory, which holds the request of a run that begins;
            for one that resumes the dataset's file, too.
    """
    # Worker processes import this module, too, and need nothing of what a coordinator does.
    from experiments.execution.coordinator import RunCoordinator

    run = RunDirectory(Path(arguments[0]))
    answer = _Answer()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _ask_to_stop(run))
    try:
        run.refuse_links()
        with hold_run_lock(run, _print) as me:
            coordinator = RunCoordinator(run, me, lambda: answer.send(BEGUN))
            if len(arguments) == 1:
                coordinator.begin(run.read_request())
            else:
                coordinator.resume(Path(arguments[1]))
    except (DataError, RunError, ConfigError) as error:
        _print(f"Error: {error}")
        answer.send(str(error))
        return 2
    except Exception as error:
        with suppress(OSError):
            traceback.print_exc()
        answer.send(f"{type(error).__name__}: {error}")
        return 1
    return 0


class _Answer:
    """One line to the process that started this one, on what was its standard output.

    What is printed from now on goes where errors go.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = os.dup(1)  # not inherited by workers
        os.dup2(2, 1)

    def send(self, text: str) -> None:
        """Send a text; only the first one is sent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            line = " ".join(text.split())[:_LONGEST_ANSWER]
            with suppress(OSError):  # nobody may read it any more
                os.write(descriptor, f"{line}\n".encode())
            os.close(descriptor)


def _ask_to_stop(run: RunDirectory) -> None:
    """Stop cleanly, or at once where the request cannot be recorded for the workers."""
    try:
        run.ask_to_stop()
    except DataError as error:
        _print(f"{error} Training ends at once, and can be resumed from its checkpoints.")
        sys.exit(128 + signal.SIGTERM)


def _print(text: str) -> None:
    with suppress(OSError):  # the disk that holds console.log may be full
        echo(text, err=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
