"""The names of curves, in a column beside them: they cover no curve, nor each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len, set_cell_size

from experiments.report.scale import Scale
from genre_tui.plots.braille import Raster
from genre_tui.plots.curve import Curve
from genre_tui.widgets.columns import without_middle


def names_of(
    curves: Sequence[Curve], figure: Callable[[float], str], most: int
) -> list[tuple[Curve, str]]:
    """Curves with what is said at their ends: mark, name and last value.

    Args:
        curves: those without a name are left out.
        figure: a value as text.
        most: columns; where they are few there are marks only.
    """
    named = [(curve, end) for curve in curves if curve.name and (end := curve.end)]
    figures = [figure(end[1] if curve.last is None else curve.last) for curve, end in named]
    room = most - max(map(len, figures), default=0) - 3
    if room < 3:
        return [(curve, curve.mark) for curve, _ in named]
    longest = min(room, max((cell_len(curve.name) for curve, _ in named), default=0))
    widest = max(map(len, figures), default=0)
    return [
        (curve, f"{curve.mark} {set_cell_size(name, longest)} {figure:>{widest}}")
        for (curve, _), figure in zip(named, figures, strict=True)
        if (name := without_middle(curve.name, longest))
    ]


def place_names(
    curves: Sequence[Curve], names: Sequence[tuple[Curve, str]], y_scale: Scale, raster: Raster
) -> dict[int, tuple[str, int | None]]:
    """What stands beside each line of cells, near the end of the curve that it names."""
    if len(names) > raster.height:
        strong = [entry for entry in names if entry[0].is_strong]
        others = [entry for entry in names if not entry[0].is_strong]
        kept = (strong + others)[: raster.height - 1]
        more = f"+{len(names) - len(kept)} more"
    else:
        kept, more = list(names), ""
    wished = []
    for curve, text in kept:
        end = curve.end
        assert end is not None
        place = y_scale.place(end[1])
        row = (1 - place) * (raster.rows - 1) / 4 if place == place else raster.height
        wished.append((min(max(row, 0.0), raster.height - 1.0), curve, text))
    wished.sort(key=lambda entry: entry[0])
    last = raster.height - 1 - bool(more)
    rows: list[int] = []
    for row, _, _ in wished:
        rows.append(max(int(row), rows[-1] + 1 if rows else 0))
    for number in reversed(range(len(rows))):
        rows[number] = min(rows[number], last - (len(rows) - 1 - number))
    placed: dict[int, tuple[str, int | None]] = {
        row: (text, curve.colour) for row, (_, curve, text) in zip(rows, wished, strict=True)
    }
    if more:
        placed[raster.height - 1] = more, None
    return placed
