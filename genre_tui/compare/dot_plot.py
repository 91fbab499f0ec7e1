"""A dot plot in lines of text: seeds, mean and interval of each variant, baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from genre_tui.core.short_names import shortened
from genre_tui.core.theme import SERIES

if TYPE_CHECKING:
    from experiments.report.dot_plot import DotPlotLayout, DotPlotRow

MEAN, SEED, BASELINE, LINE, SOURCE = "●", "∘", "×", "┊", "◇"
_LONGEST_NAME = 26
_FIGURE = 6  # columns of the mean at the right
_SHORTEST = 16  # columns of the plot
_LEGEND = (
    (f"{MEAN} mean", "mean"),
    ("├─┤ 95 % over {unit}s", "interval"),
    (f"{SEED} {{unit}}", "seed"),
    (f"{LINE} {BASELINE} baseline", "baseline"),
    (f"{SOURCE} documented", "source"),
)


class DotPlot:
    """A line for each entry, on one axis, as wide as there is room.

    `series` are indices of the entries' colours; empty for a colour each.
    """

    def __init__(self, dots: DotPlotLayout, series: Sequence[int] = ()) -> None:
        self._dots, self._series = dots, series

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """All lines: entries, axis, legend."""
        rows = self._dots.rows
        longest = max((cell_len(row.entry.name) for row in rows), default=0)
        name = min(longest, _LONGEST_NAME, max(width // 3, 8))
        room = max(width - name - _FIGURE - 3, _SHORTEST)
        yield Text(f"Test {self._dots.what}", "bold")
        for number, row in enumerate(rows):
            colour = SERIES[(self._series[number] if self._series else number) % len(SERIES)]
            style = Style(dim=True) if row.entry.is_baseline else Style(color=colour)
            text = Text(no_wrap=True, end="\n")
            short = shortened(row.entry.name, name)
            text.append(short + " " * (name - cell_len(short)) + " ")
            text.append_text(_line(row, room, style))
            mean = row.entry.mean
            text.append("–".rjust(_FIGURE + 1) if mean is None else f"{mean * 100:>7.2f}", "bold")
            yield text
        yield from self._axis(name, room)
        yield from self._legend(width)

    def _axis(self, name: int, room: int) -> Iterator[Text]:
        line, numbers = ["─"] * room, [" "] * (room + 6)
        taken = -1
        for tick in self._dots.axis.ticks:
            at = column(tick.at, room)
            line[at] = "┴"
            begin = max(at - len(tick.label) // 2, 0)
            if begin > taken:
                numbers[begin : begin + len(tick.label)] = tick.label
                taken = begin + len(tick.label)
        yield Text(" " * (name + 1) + "".join(line), "dim", no_wrap=True)
        yield Text(" " * (name + 1) + "".join(numbers).rstrip(), "dim", no_wrap=True)

    def _legend(self, width: int) -> Iterator[Text]:
        """The legend of the signs that occur."""
        rows = self._dots.rows
        there = {
            "mean": True,
            "interval": any(row.interval for row in rows),
            "seed": any(len(row.seeds) > 1 for row in rows),
            "baseline": any(row.entry.is_baseline for row in rows),
            "source": any(row.sources for row in rows),
        }
        line = ""
        signs = (sign.format(unit=self._dots.unit) for sign, what in _LEGEND if there[what])
        for sign in signs:
            if line and cell_len(line) + 3 + cell_len(sign) > width:
                yield Text(line, "dim")
                line = ""
            line = f"{line}   {sign}" if line else sign
        yield Text(line, "dim")


def column(at: float, room: int) -> int:
    """The terminal column of a position in per cent of the axis."""
    return min(max(round(at / 100 * (room - 1)), 0), room - 1)


def row_signs(row: DotPlotRow, room: int) -> str:
    """A row's signs; the most important are drawn last."""
    line = [" "] * room
    for at in row.lines:
        line[column(at, room)] = LINE
    ends: dict[int, str] = {}
    if row.interval is not None:
        low, high = (column(at, room) for at in row.interval)
        line[low : high + 1] = "─" * (high + 1 - low)
        ends = {low: "├", high: "┤"} if low < high else {low: "│"}
    if len(row.seeds) > 1:
        for at in row.seeds:
            line[column(at, room)] = SEED
    for place, end in ends.items():
        line[place] = end
    for at, _ in row.sources:
        line[column(at, room)] = SOURCE
    if row.mean is not None:
        line[column(row.mean, room)] = BASELINE if row.entry.is_baseline else MEAN
    if row.beyond:
        line[0 if row.beyond == "low" else room - 1] = "◂" if row.beyond == "low" else "▸"
    return "".join(line)


def _line(row: DotPlotRow, room: int, style: Style) -> Text:
    text = Text(row_signs(row, room), no_wrap=True)
    for place, sign in enumerate(text.plain):
        if sign == LINE:
            text.stylize("dim", place, place + 1)
        elif sign == MEAN:
            text.stylize(style + Style(bold=True), place, place + 1)
        elif sign != " ":
            text.stylize(style, place, place + 1)
    return text
