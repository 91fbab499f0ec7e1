"""A progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from data.terminal.console import console
from data.terminal.text import duration

_PLAIN_SECONDS = 5.0  # between two plain progress lines


class _BarWithNote(Progress):
    """A progress bar with a line of its own for what is happening."""

    note = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar, then the note."""
        yield from super().get_renderables()
        yield Text(self.note, style="dim", no_wrap=True, overflow="ellipsis")


class _LeftColumn(TimeRemainingColumn):
    """The time left: the task's field `left`, else by the rate so far."""

    max_refresh = 0.0

    def render(self, task: Task) -> Text:
        """As text."""
        left = task.fields.get("left")
        if left is None:
            return super().render(task)
        return Text("–" if math.isnan(left) else duration(left))


class ProgressBar:
    """A bar with rate and time left on a terminal, plain lines elsewhere.

    Args:
        what: what is being done, such as "reading recordings".
        total: amount of work in any unit.
        unit: of the rate, such as "segments"; counted by `advance`.
        stderr: whether it goes to standard error, or to standard output.
    """

    def __init__(self, what: str, total: float, unit: str, *, stderr: bool = True) -> None:
        self._what, self._total, self._unit = what, max(total, 1e-9), unit
        self._done, self._count = 0.0, 0
        self._began = self._printed = time.monotonic()
        self._console = console(stderr=stderr)
        self._bar: _BarWithNote | None = None
        self._ended = False

    def advance(
        self, work: float, count: int, note: str = "", *, left: float | None = None
    ) -> None:
        """Add finished work.

        Args:
            work: further part of the total.
            count: further units, for the rate.
            note: what is happening now.
            left: seconds until the end, NaN while they are not known; estimated from the rate
                if None.
        """
        self._done += work
        self._count += count
        rate = self._count / max(time.monotonic() - self._began, 1e-9)
        status = f"{self._count} {self._unit}, {_rounded(rate)}/s"
        if self._bar is not None:
            self._bar.note = note
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=self._done, status=status, left=left)
        elif time.monotonic() - self._printed >= _PLAIN_SECONDS or self._ends():
            self._printed = time.monotonic()
            elapsed = self._printed - self._began
            if left is None:
                left = elapsed * max(self._total / self._done - 1, 0) if self._done else math.nan
            share = min(self._done / self._total, 1.0)
            remaining = "" if math.isnan(left) else f"{duration(left)} left"
            line = ", ".join(filter(None, [f"{share:4.0%}", status, remaining, note]))
            line = f"{self._what}: {line}"
            self._console.print(Text(line), soft_wrap=True)

    def _ends(self) -> bool:
        """Whether all is done, the first time that it is."""
        ends = self._done >= self._total * (1 - 1e-9) and not self._ended
        self._ended = self._ended or ends
        return ends

    def note(self, text: str) -> None:
        """Show what is happening, below the bar."""
        if self._bar is not None:
            self._bar.note = text

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(Text(line))

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


def _rounded(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}"
