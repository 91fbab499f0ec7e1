"""What the command lines share: safe text, tables, progress, errors as sentences."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import (
    Console,
    ConsoleOptions,
    ConsoleRenderable,
    RenderHook,
    RenderResult,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from data.terminal.text import clean

_PLAIN_WIDTH = 120  # columns, where there is no terminal to ask


class _PipeConsole(Console):
    """A console that leaves broken pipes to `SentenceGroup`, and prints `clean` text only."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


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
