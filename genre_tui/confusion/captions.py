"""Captions of the screen Confusion: headline, metrics, the selected cell, frequent mistakes."""

from __future__ import annotations

from itertools import product

from rich.text import Text

from experiments.results.number_format import per_cent, plural
from experiments.runs.progress import TrialProgress
from genre_tui.confusion.matrix import MEASURES, CellGrid
from genre_tui.confusion.matrix_selection import MatrixView
from genre_tui.core.short_names import shortened
from genre_tui.core.theme import STATE_GLYPH, STATE_STYLE, append_run
from genre_tui.model.run_model import RunModel

_MOST_MIXED = 12
_LONGEST_NAME = 12


def headline(model: RunModel) -> Text:
    """The run with its state, protocol and dataset."""
    text = Text(model.run.name, no_wrap=True, overflow="ellipsis")
    return append_run(text, model.is_demo, model.state, model.protocol, model.dataset)


def about_text(shown: MatrixView) -> Text:
    """Title of the matrix, accuracy and macro-F1, unit of the cells."""
    text = Text(shown.title)
    if shown.follows:
        text.append(", following", "bold")
    grid = shown.grid
    if grid is None:
        return text
    unit = MEASURES[grid.measure]
    if shown.minus:
        text.append(f"\nminus {shown.minus}", "bold")
        unit = "+ more, - fewer" if grid.measure == "counts" else f"points, {unit}"
    now, was = grid.now, grid.before
    text.append(
        f"\naccuracy {_figure(now.accuracy, was.accuracy if was else None)}, "
        f"macro-F1 {_figure(now.macro_f1, was.macro_f1 if was else None)}, "
        f"{now.total} rows. Cells: {unit}"
    )
    return text


def cell_text(grid: CellGrid, i: int, j: int, has_segments: bool) -> Text:
    """The cell under the cursor, and the metrics of its true genre."""
    true, called, now = grid.genres[i], grid.genres[j], grid.now
    count = now.counts[i][j]
    verb = "recognised" if i == j else f"taken for {called}"
    text = Text(f"{true} {verb}: {plural(count, 'row')}")
    if count:
        text.append(f", {_per_cent(now.value(i, j, 'rows'))} of {true}, ")
        text.append(f"{_per_cent(now.value(i, j, 'columns'))} of all called {called}")
    text.append(".")
    if grid.before is not None:
        was = grid.before.counts[i][j]
        text.append(f" Before: {was}, {_per_cent(grid.before.value(i, j, 'rows'))} of {true}.")
    if has_segments and count:
        text.append(" Enter lists them.", "bold")
    figures = now.scores(i)
    text.append(
        f"\n{true}: precision {_per_cent(figures.precision)}, recall {_per_cent(figures.recall)}, "
        f"F1 {_per_cent(figures.f1)}."
    )
    return text


def mixed_up(grid: CellGrid) -> Text:
    """The most frequent mistakes; of a difference, the largest changes."""
    size, before = range(len(grid.genres)), grid.before
    found: list[tuple[float, str, int, int]] = []
    for i, j in product(size, size):
        if before is None:
            count = grid.now.counts[i][j]
            weight, number = float(count * (i != j)), f"{count}"
        else:
            more = (grid.now.value(i, j, "rows") or 0) - (before.value(i, j, "rows") or 0)
            weight, number = abs(more), f"{more * 100:+.1f}"
        if weight:
            found.append((weight, number, i, j))
    what = "Changed most, in points of the true genre"
    text = Text().append(f"{what if before else 'Taken for another most often'}\n", "bold")
    found.sort(key=lambda one: (-one[0], one[2], one[3]))
    for _, number, i, j in found[:_MOST_MIXED]:
        share = grid.now.value(i, j, "rows")
        true, called = (shortened(grid.genres[place], _LONGEST_NAME) for place in (i, j))
        text.append(f"{number:>6}  {true} → {called}")
        text.append("\n" if before else f"  {_per_cent(share)}\n", "dim")
    if not found:
        text.append("nothing")
    return text


def trial_line(trial: TrialProgress) -> Text:
    """A trial as a line of a list."""
    text = Text(no_wrap=True)
    text.append(STATE_GLYPH[trial.status], STATE_STYLE[trial.status])
    text.append(
        f" {trial.variant}  {trial.replicate}  learning rate {trial.learning_rate:g}  "
        f"{trial.length} of {trial.epochs} epochs"
    )
    if trial.best:
        text.append(f"  best macro-F1 {trial.best[1] * 100:.1f} %")
    return text


def _figure(now: float | None, was: float | None) -> str:
    if now is None or was is None:
        return _per_cent(now)
    return f"{_per_cent(now)} ({(now - was) * 100:+.1f})"


def _per_cent(share: float | None) -> str:
    return per_cent(share, 1) if share is None else f"{per_cent(share, 1)} %"
