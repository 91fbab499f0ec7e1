"""Tables, and the console that prints them: nothing unsafe passes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from data.terminal.text import clean, clean_cells

_PLAIN_WIDTH = 120  # columns, where there is no terminal to ask


class _SafeConsole(Console):
    """A console without unsafe characters, which leaves broken pipes to `SentenceGroup`."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Rich prints, and draws bars, by this method alone."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control or text == "\n":
                yield segment
            else:
                yield Segment("\n".join(map(clean_cells, text.split("\n"))), style)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or error, as wide as the terminal.

    Where that is a file or pipe, FORCE_COLOR gives colours, but nothing that moves a cursor.
    """
    stream = sys.stderr if stderr else sys.stdout
    elsewhere = stream is None or stream.closed or not stream.isatty()
    made = _SafeConsole(
        stderr=stderr,
        highlight=False,
        soft_wrap=False,
        emoji=False,
        markup=False,
        force_terminal=False if elsewhere else None,
        color_system="standard" if elsewhere and os.environ.get("FORCE_COLOR") else "auto",
    )
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
