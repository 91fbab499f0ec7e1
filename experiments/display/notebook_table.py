"""A table for terminals, notebooks and pandas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from data.terminal.console import console

Row = dict[str, Any]


class NotebookTable:
    """Rows of figures: a text where it is printed, HTML where a notebook shows it.

    Args:
        rows: plain values by their columns.
        view: gives the text form.
        captions: sentences above the HTML form.
    """

    def __init__(
        self, rows: Sequence[Row], view: Callable[[], RenderableType], captions: Sequence[str] = ()
    ) -> None:
        self._rows, self._view, self._captions = list(rows), view, list(captions)

    def to_rows(self) -> list[Row]:
        """A dict of plain values a row, such as `pandas.DataFrame` takes."""
        return [dict(row) for row in self._rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __str__(self) -> str:
        made = console()
        view = self._view()
        if isinstance(view, Table):
            made.width = max(made.width, made.measure(view).maximum)
        with made.capture() as captured:
            made.print(view)
        return "\n".join(line.rstrip() for line in captured.get().splitlines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        captions = "".join(f"<p>{escape(caption)}</p>" for caption in self._captions)
        head = "".join(f"<th>{escape(name)}</th>" for name in next(iter(self._rows), {}))
        body = "".join(
            f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>"
            for row in self._rows
        )
        return f"{captions}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return escape(f"{value:.4g}" if isinstance(value, float) else str(value))
