"""Command groups whose errors are sentences, and their safe output."""

from __future__ import annotations

import os
import platform
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from data.errors import DataError
from data.terminal.entry import INTERRUPTED
from data.terminal.text import clean


def echo(message: object = "", *, err: bool = False) -> None:
    """`click.echo` without unsafe characters; every command line prints by it, or by `console`.

    Args:
        message: one or more lines.
        err: print on standard error.
    """
    click.echo(clean(str(message), keep="\n\t"), err=err)


def confirm(question: str, *, err: bool = False) -> None:
    """Ask a question to be answered by y or n; anything but y aborts the command."""
    if sys.stdin is None:
        raise BadInput(f"{question} Standard input is closed, so nobody can answer: add --yes.")
    try:
        click.confirm(clean(question), abort=True, err=err)
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):  # n and Ctrl-D abort, too
            echo(err=True)
            raise SystemExit(INTERRUPTED) from None
        raise


def _print_versions(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if not asked or context.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    def found(package: str) -> str:
        try:
            return f"{package} {version(package)}"
        except PackageNotFoundError:
            return f"{package} not installed"

    ours, *others = map(found, ("genre-tui", "torch", "keras"))
    echo(", ".join([ours, f"Python {platform.python_version()}", *others]))
    context.exit()


version_option = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_versions,
    help="Print the versions of genre-tui, Python, torch and Keras, and end.",
)


class BadInput(click.ClickException):
    """One sentence on standard error and exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence."""
        echo(f"Error: {clean(self.message)}", err=True)


class SentenceCommand(click.Command):
    """A command that shows bad input as a sentence, never as a traceback."""

    bad_input: tuple[type[Exception], ...] = (DataError,)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; its errors of the kinds in `bad_input` become `BadInput`."""
        _end_well_when_terminated()
        try:
            return super().invoke(context)
        except click.ClickException as error:  # click prints the message itself
            error.message = clean(error.message)  # type: ignore[misc]
            raise
        except self.bad_input as error:
            raise BadInput(str(error)) from error
        except KeyboardInterrupt:  # click would print "Aborted!" and exit with 1
            raise SystemExit(INTERRUPTED) from None
        except BrokenPipeError:
            # The reader of a pipe has seen enough; nothing may be flushed after it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(0)
        except OSError as error:  # a folder that cannot be read, a full standard output, ...
            if error.filename is None and isinstance(error, FileNotFoundError):
                raise BadInput("the working directory is gone: change to another one.") from error
            where = f"{error.filename}: " if error.filename else ""
            raise BadInput(f"{where}{error.strerror or error}.") from error


class SentenceGroup(SentenceCommand, click.Group):
    """A group of commands that shows bad input as a sentence."""


def _end_well_when_terminated() -> None:
    """Let SIGTERM run what cleans up, as Ctrl-C does."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """Turn Ctrl-C into a sentence that states what was kept, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        echo(f"\nInterrupted. {kept}", err=True)
        raise SystemExit(INTERRUPTED) from None
