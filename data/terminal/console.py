"""What the command lines share: safe text, tables, progress, errors as sentences."""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import (
    Console,
    ConsoleOptions,
    ConsoleRenderable,
    RenderableType,
    RenderHook,
    RenderResult,
)
from rich.progress import (
    BarColumn,
    Progress,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from data.errors import DataError

_BIDI_AND_INVISIBLE = {0x00AD, 0x061C, 0xFEFF, *range(0x200B, 0x2010), *range(0x2028, 0x202F)} | {
    *range(0x2060, 0x2070),
    *range(0xE0000, 0xE0080),
}
_PLAIN_WIDTH = 120  # columns, where there is no terminal to ask
_PLAIN_SECONDS = 5.0  # between two plain progress lines


class BadInput(click.ClickException):
    """One sentence on standard error and exit code 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence."""
        click.echo(f"Error: {clean(self.message)}", file=file or sys.stderr)


class SentenceGroup(click.Group):
    """A command group that shows bad input as a sentence, never as a traceback."""

    bad_input: tuple[type[Exception], ...] = (DataError,)

    def invoke(self, context: click.Context) -> Any:
        """Run the command; its errors of the kinds in `bad_input` become `BadInput`."""
        _end_well_when_terminated()
        try:
            return super().invoke(context)
        except self.bad_input as error:
            raise BadInput(str(error)) from error
        except BrokenPipeError:
            # The reader of a pipe has seen enough; nothing may be flushed after it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            context.exit(0)
        except OSError as error:  # a folder that cannot be read, a full standard output, ...
            where = f"{error.filename}: " if error.filename else ""
            raise BadInput(f"{where}{error.strerror or error}.") from error


def _end_well_when_terminated() -> None:
    """Let SIGTERM run what cleans up, as Ctrl-C does."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


class _PipeConsole(Console):
    """A console that leaves broken pipes to `SentenceGroup`, and prints `clean` text only."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def clean(text: str) -> str:
    """Text from files made harmless for a terminal: no control or hidden characters."""
    return "".join(
        " " if char in "\t\n\r" else char
        for char in text
        if char in "\t\n\r"
        or not (unicodedata.category(char) in ("Cc", "Cs") or ord(char) in _BIDI_AND_INVISIBLE)
    )


class _Cleaned:
    """Something to print, whose text is made harmless when all else has been done to it."""

    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._renderable, options):
            if segment.control or segment.text == "\n":
                yield segment
            else:
                lines = "\n".join(clean(line) for line in segment.text.split("\n"))
                yield Segment(lines, segment.style)


class _Cleaning(RenderHook):
    """Makes all that a console prints harmless, whatever printed it."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Cleaned(renderable) for renderable in renderables]


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or error, as wide as the terminal."""
    made = _PipeConsole(stderr=stderr, highlight=False, soft_wrap=False, emoji=False, markup=False)
    made.push_render_hook(_Cleaning())
    if not made.is_terminal:
        made.width = max(_PLAIN_WIDTH, made.width)
    return made


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> Table:
    """A table whose first `left` columns are text and whose others are numbers."""
    made = Table(box=None, pad_edge=False)
    for number, column in enumerate(columns):
        is_text = number < left
        made.add_column(
            Text(clean(column), justify="left" if is_text else "right"),
            header_style="dim",
            overflow="fold",
            no_wrap=not is_text,
        )
    for row in rows:
        made.add_row(
            *(
                Text(clean(cell), justify="left" if number < left else "right")
                for number, cell in enumerate(row)
            )
        )
    return made


class _BarWithNote(Progress):
    """A progress bar with a line of its own for what is happening."""

    note = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, then the note."""
        yield from super().get_renderables()
        yield Text(self.note, style="dim", no_wrap=True, overflow="ellipsis")


class _LeftColumn(TimeRemainingColumn):
    """The time that is left: told, else by the rate so far."""

    max_refresh = 0.0

    def render(self, task: Task) -> Text:
        """As text."""
        left = task.fields.get("left")
        return super().render(task) if left is None else Text(duration(left))


class ProgressBar:
    """A bar with rate and time left on a terminal, plain lines elsewhere.

    Args:
        what: what is being done, such as "reading recordings".
        total: amount of work in any unit.
        unit: of the rate, such as "segments"; counted by `advance`.
        stderr: whether it goes to standard error, or to standard output.
    """

    def __init__(self, what: str, total: float, unit: str, *, stderr: bool = True) -> None:
        self._what, self._total, self._unit = clean(what), max(total, 1e-9), unit
        self._done, self._count = 0.0, 0
        self._began = self._said = time.monotonic()
        self._console = console(stderr=stderr)
        self._bar: _BarWithNote | None = None
        self._ended = False

    def advance(
        self, work: float, count: int, note: str = "", *, left: float | None = None
    ) -> None:
        """Say that `work` of the total and `count` units more are done.

        Args:
            work: of the total.
            count: units.
            note: what is happening.
            left: seconds that the rest takes, where the caller knows better than the
                rate so far tells.
        """
        self._done += work
        self._count += count
        rate = self._count / max(time.monotonic() - self._began, 1e-9)
        status = f"{self._count} {self._unit}, {_rounded(rate)}/s"
        if self._bar is not None:
            self._bar.note = clean(note)
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=self._done, status=status, left=left)
        elif time.monotonic() - self._said >= _PLAIN_SECONDS or self._ends():
            self._said = time.monotonic()
            elapsed = self._said - self._began
            if left is None:
                left = elapsed * max(self._total / self._done - 1, 0) if self._done else math.nan
            share = min(self._done / self._total, 1.0)
            line = f"{self._what}: {share:4.0%}, {status}, {duration(left)} left"
            line = f"{line}, {clean(note)}" if note else line
            print(line, file=self._console.file, flush=True)

    def _ends(self) -> bool:
        """Whether all is done, the first time that it is."""
        ends = self._done >= self._total * (1 - 1e-9) and not self._ended
        self._ended = self._ended or ends
        return ends

    def note(self, text: str) -> None:
        """Say what is happening, below the bar."""
        if self._bar is not None:
            self._bar.note = clean(text)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(Text(clean(line)))

    def __enter__(self) -> ProgressBar:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._bar = _BarWithNote(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=10),
                TaskProgressColumn(),
                TextColumn("{task.fields[status]}", markup=False),
                TextColumn("elapsed"),
                TimeElapsedColumn(),
                TextColumn("left"),
                _LeftColumn(),
                console=self._console,
                transient=True,
            )
            self._bar.add_task(self._what, total=self._total, status="", left=None)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """Turn Ctrl-C into a sentence that tells what was kept, and exit code 130."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"\nInterrupted. {kept}", err=True)
        raise SystemExit(130) from None


def duration(seconds: float) -> str:
    """Seconds as 4 s, 3:07 min or 2:05 h; ? where they are not known."""
    if seconds != seconds or seconds == float("inf"):
        return "?"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02d} h"


def _rounded(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
