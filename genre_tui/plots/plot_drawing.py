"""Curves with bands as lines of text, with an axis on two sides and names at their ends."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from experiments.report.scale import Scale
from genre_tui.plots.axis import numbers, roomy, scale_of, ticks_of
from genre_tui.plots.braille import Raster
from genre_tui.plots.curve import Curve, Frame
from genre_tui.widgets.columns import without_middle


def names_of(
    curves: Sequence[Curve], figure: Callable[[float], str], most: int
) -> list[tuple[Curve, str]]:
    """Named curves with the labels at their ends: mark, name and last value.

    Where `most`, the largest width, is small the labels are marks only.
    """
    named = [(curve, end) for curve in curves if curve.name and (end := curve.end)]
    figures = [figure(end[1] if curve.last is None else curve.last) for curve, end in named]
    widest = max(map(len, figures), default=0)
    room = most - widest - 3
    if room < 3:
        return [(curve, curve.mark) for curve, _ in named]
    longest = min(room, max((cell_len(curve.name) for curve, _ in named), default=0))
    names = (set_cell_size(without_middle(curve.name, longest), longest) for curve, _ in named)
    return [
        (curve, f"{curve.mark} {name} {figure:>{widest}}")
        for (curve, _), name, figure in zip(named, names, figures, strict=True)
    ]


def place_names(
    names: Sequence[tuple[Curve, str]], y_scale: Scale, raster: Raster
) -> dict[int, tuple[str, int | None]]:
    """The label beside each line of cells, near the end of its curve, and its colour."""
    placed: dict[int, tuple[str, int | None]] = {}
    last = raster.height - 1
    if len(names) > raster.height:
        names = sorted(names, key=lambda entry: not entry[0].is_strong)
        names, more = names[:last], f"+{len(names) - last} more"
        placed[last] = more, None
        last -= 1
    wanted = []
    for curve, text in names:
        place = y_scale.place(curve.end[1]) if curve.end else 0.0
        row = (1 - place) * (raster.rows - 1) / 4 if place == place else raster.height
        wanted.append((min(max(row, 0.0), raster.height - 1.0), text, curve.colour))
    wanted.sort(key=lambda entry: entry[0])
    rows: list[int] = []
    for row, *_ in wanted:
        rows.append(max(int(row), rows[-1] + 1 if rows else 0))
    for number in reversed(range(len(rows))):
        rows[number] = min(rows[number], last - (len(rows) - 1 - number))
    label_at = zip(rows, wanted, strict=True)
    return placed | {row: (text, colour) for row, (_, text, colour) in label_at}


_LEAST_ROOM = 12  # width of the curves below which labels are left out
_WIDE = 60  # columns
_LONGEST_NAMES, _LONGEST_NAMES_NARROW = 0.3, 0.42  # of the width
_COLUMNS_A_TICK = 7
_LINES_A_TICK = 2
_LEAST_EPOCHS = 5  # on the x axis of a growing plot
_MOST_MARKED = 10  # number of curves up to which marks are drawn along them


Paint = Callable[[int], Style]
Line = list[Segment]


@dataclass(frozen=True)
class Drawing:
    """A drawn plot; `is_cut`: outliers are cut off."""

    lines: list[Line]
    is_cut: bool


def draw(curves: Sequence[Curve], frame: Frame, width: int, height: int, paint: Paint) -> Drawing:
    """Draw curves, the most important first; strong ones are drawn last."""
    values = chain.from_iterable((*one.y, *one.low, *one.high) for one in curves)
    y_scale, cut = scale_of(values, log=frame.log, grows=frame.grows)
    rows = height - 1
    ticks = ticks_of(y_scale, max(2, rows // _LINES_A_TICK))
    margin = numbers(ticks)
    left = max((len(number) for number in margin), default=0) + 1
    longest = _LONGEST_NAMES if width >= _WIDE else _LONGEST_NAMES_NARROW
    names = names_of(curves, frame.figure, int(width * longest))
    right = max((cell_len(name) for _, name in names), default=-1) + 1
    if width - left - right < _LEAST_ROOM:
        names, right = [], 0
    room = max(1, width - left - right)
    raster = Raster(room, max(1, rows))
    x_scale = _x_scale(curves, frame)
    cells, styles = _paint(curves, raster, x_scale, y_scale, paint)
    axis = {
        round((1 - y_scale.place(tick)) * (raster.rows - 1)) // 4: number
        for tick, number in zip(ticks, margin, strict=True)
    }
    ends = place_names(names, y_scale, raster)
    lines: list[Line] = []
    dim = Style(dim=True)
    for row in range(raster.height):
        edge = "┤" if row in axis else "│"
        line = [Segment(f"{axis.get(row, ''):>{left - 1}}{edge}", dim)]
        line += _runs(cells, styles, row * room, (row + 1) * room)
        if right:
            text, series = ends.get(row, ("", None))
            style_there = dim if series is None else paint(series)
            line.append(Segment(f" {set_cell_size(text, right - 1)}", style_there))
        lines.append(line)
    lines.append([Segment(_x_axis(x_scale, frame, left, room, right), dim)])
    return Drawing(lines[:height], cut)


def _x_scale(curves: Sequence[Curve], frame: Frame) -> Scale:
    ends = [edge for curve in curves if curve.x for edge in (curve.x[0], curve.x[-1])]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    if frame.grows:
        high = max(roomy(high), _LEAST_EPOCHS if frame.x_name == "epoch" else 0)
    return Scale(low, high if high > low else low + 1)


def _paint(
    curves: Sequence[Curve], raster: Raster, x_scale: Scale, y_scale: Scale, paint: Paint
) -> tuple[dict[int, str], dict[int, Style]]:
    """Characters and styles of the cells that are not blank."""
    cells: dict[int, str] = {}
    styles: dict[int, Style] = {}
    dots: dict[int, int] = {}
    order = sorted(curves, key=lambda curve: curve.is_strong)

    def across(curve: Curve) -> list[float]:
        return [x_scale.place(x) * (raster.columns - 1) for x in curve.x]

    def down(values: Sequence[float]) -> list[float]:
        last = raster.rows - 1
        return [
            min(max((1 - place) * last, 0), last) if place == place else place
            for place in map(y_scale.place, values)
        ]

    drawn = [(curve, across(curve), down(curve.y)) for curve in order]
    for curve, x, _ in drawn:
        if curve.low:
            style = paint(curve.colour) + Style(dim=True)
            for place, pattern in raster.band(x, down(curve.high), down(curve.low)).items():
                cells[place], styles[place] = chr(pattern), style
    for curve, x, y in drawn:
        style = paint(curve.colour) + Style(bold=curve.is_strong)
        for place, pattern in raster.line(x, y, dotted=curve.dotted).items():
            # Curves that share a cell share its colour, but for a strong one.
            dots[place] = pattern if curve.is_strong else dots.get(place, 0) | pattern
            cells[place], styles[place] = chr(dots[place]), style
    marked = [entry for entry in drawn if entry[0].name]
    for number, (curve, x, y) in enumerate(marked):
        style = paint(curve.colour) + Style(bold=curve.is_strong)
        for point in _marked_points(x, y, number, len(marked), raster.columns):
            column, row = raster.cell_of(x[point], y[point])
            place = row * raster.width + column
            cells[place], styles[place] = curve.mark, style
    return cells, styles


def _marked_points(
    x: Sequence[float], y: Sequence[float], number: int, curves: int, columns: int
) -> list[int]:
    """Points of a curve that show its mark: its end and, of few curves, two points along it.

    The latter stay in place while the curve grows.
    """
    known = [place for place, value in enumerate(y) if value == value]
    if not known:
        return []
    points = [known[-1]]
    if 1 < curves <= _MOST_MARKED:
        first = (number + 1) / (curves + 1) / 2
        for share in (first, first + 0.5):
            place = bisect_left(x, share * (columns - 1))
            if place < len(y) and y[place] == y[place]:
                points.append(place)
    return points


def _runs(
    cells: dict[int, str], styles: dict[int, Style], begin: int, end: int
) -> Iterator[Segment]:
    """Segments of a line of cells; neighbours of equal style are joined."""
    text, style = "", None
    for place in range(begin, end):
        char, here = cells.get(place, " "), styles.get(place)
        if here is not style and text:
            yield Segment(text, style)
            text = ""
        text, style = text + char, here
    if text:
        yield Segment(text, style)


def _x_axis(scale: Scale, frame: Frame, left: int, room: int, right: int) -> str:
    ticks = ticks_of(scale, max(2, room // _COLUMNS_A_TICK), whole=frame.x_name == "epoch")
    line = list("─" * (room + right))
    taken = -1
    for tick, number in zip(ticks, numbers(ticks), strict=True):
        middle = int(scale.place(tick) * (room - 1) + 0.5)
        begin = min(max(middle - len(number) // 2, 0), room + right - len(number))
        if begin > taken:
            line[begin : begin + len(number)] = number
            taken = begin + len(number)
    label = f" {frame.x_name}"
    if right >= len(label) or len(line) - taken >= len(label):
        line[-len(label) :] = label
    return f"{'└':>{left}}{''.join(line)}"[: left + room + right]
