"""Training curves: a small panel for each figure of each variant, on shared axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.report import scale
from experiments.report.histories import Float64, Histories
from experiments.report.scale import Scale

_MOST_POINTS = 200  # of a line: more are finer than a printer
_HOPELESS = 4.0  # times the loss of a guess: curves may leave the panel above


@dataclass(frozen=True)
class Series:
    """A figure of the histories, and how it is drawn.

    Args:
        name: in the histories.
        style: "train", "validation" or "rate".
        label: for the reader.
    """

    name: str
    style: str
    label: str


@dataclass(frozen=True)
class Chart:
    """What the panels of one column show."""

    title: str
    series: tuple[Series, ...]


_TRAIN, _VALIDATION = "train", "validation"
CHARTS = (
    Chart(
        "loss",
        (Series("loss", _TRAIN, "train"), Series("val_loss", _VALIDATION, "validation")),
    ),
    Chart("macro-F1 %", (Series("val_macro_f1", _VALIDATION, "validation"),)),
    Chart(
        "accuracy %",
        (
            Series("accuracy", _TRAIN, "train"),
            Series("val_accuracy", _VALIDATION, "validation"),
        ),
    ),
    Chart("learning rate", (Series("learning_rate", "rate", "learning rate"),)),
)


@dataclass(frozen=True)
class Line:
    """A figure over seeds, as SVG paths in a square of 100 by 100.

    Args:
        style: as in `Series`.
        mean: path of the mean of the seeds that still train.
        band: path around all seeds; empty for one.
    """

    style: str
    mean: str
    band: str


@dataclass(frozen=True)
class Panel:
    """One figure of one variant.

    Args:
        title: of its chart.
        x, y: axes, shared by all panels of the chart.
        lines: of the trials that finished.
        diverged: paths of the others.
        kept: where finished trials kept weights of before the last epoch, per cent of x.
    """

    title: str
    x: Scale
    y: Scale
    lines: tuple[Line, ...]
    diverged: tuple[str, ...]
    kept: tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """All panels of a run.

    Args:
        of_variant: panels, in the order of the histories; none where there are none.
        constant_rate: whether no training moved its learning rate: no panel shows it.
        clipped_loss: above which losses leave their panel; None where none does.
    """

    of_variant: tuple[tuple[Panel, ...], ...]
    constant_rate: bool
    clipped_loss: float | None


def draw(histories: Sequence[Histories], classes: int) -> Curves:
    """Place the curves of all variants.

    Args:
        histories: of each variant.
        classes: number of genres: they say what the loss of a guess is.
    """
    moved = [history for history in histories if _moves(history.of("learning_rate"))]
    charts = [chart for chart in CHARTS if moved or chart.title != "learning rate"]
    limit = _HOPELESS * math.log(max(classes, 2))
    losses = _values(histories, CHARTS[0])
    clipped = limit if losses.max(initial=0.0) > limit else None
    x = scale.whole(max((history.epochs for history in histories), default=1))
    axes = {chart.title: _axis(chart, _values(histories, chart), limit) for chart in charts}
    panels = tuple(
        tuple(_panel(chart, history, x, axes[chart.title]) for chart in charts)
        if history.epochs
        else ()
        for history in histories
    )
    return Curves(panels, not moved, clipped)


def _moves(rates: Float64) -> bool:
    return any(np.ptp(row[np.isfinite(row)]) > 0 for row in rates if np.isfinite(row).any())


def _values(histories: Sequence[Histories], chart: Chart) -> Float64:
    """All finite values that a chart shows; of diverged trials where no other is there."""
    for finished in (True, False):
        arrays = [
            history.of(series.name, finished=finished).ravel()
            for history in histories
            for series in chart.series
        ]
        values = np.concatenate(arrays) if arrays else np.empty(0)
        values = values[np.isfinite(values)]
        if len(values):
            return np.asarray(values)
    return np.empty(0)


def _axis(chart: Chart, values: Float64, limit: float) -> Scale:
    if chart.title == "learning rate":
        return scale.logarithmic(values.tolist())
    if chart.title == "loss":
        return scale.linear(np.minimum(values, limit).tolist(), 3, floor=0.0)
    return scale.linear(values.tolist(), 3, floor=0.0, ceiling=1.0, percent=True)


def _panel(chart: Chart, history: Histories, x: Scale, y: Scale) -> Panel:
    lines = []
    for series in chart.series:
        values = history.of(series.name)
        if np.isfinite(values).any():
            lines.append(_line(series.style, values, x, y))
    diverged = [
        _path(epochs, row[epochs - 1], x, y)
        for series in chart.series
        for row in history.of(series.name, finished=False)
        for epochs in [_shown(row)]
        if len(epochs)
    ]
    kept = tuple(
        x.at(epoch) for epoch in history.kept[history.finished] if 0 < epoch < history.epochs
    )
    return Panel(chart.title, x, y, tuple(lines), tuple(diverged), kept)


def _line(style: str, values: Float64, x: Scale, y: Scale) -> Line:
    """The mean and the range of trials. `values`: [shape=(trials, epochs)]"""
    there = np.isfinite(values)
    epochs = _shown(np.where(there.any(axis=0), 0.0, np.nan))
    columns = np.where(there, values, 0.0)[:, epochs - 1]
    counts = there[:, epochs - 1].sum(axis=0)
    mean = columns.sum(axis=0) / counts
    if len(values) == 1:
        return Line(style, _path(epochs, mean, x, y), "")
    low = np.where(there, values, np.inf)[:, epochs - 1].min(axis=0)
    high = np.where(there, values, -np.inf)[:, epochs - 1].max(axis=0)
    upper, lower = _points(epochs, high, x, y), _points(epochs, low, x, y)
    band = f"M{'L'.join([*upper, *reversed(lower)])}Z"
    return Line(style, _path(epochs, mean, x, y), band)


def _shown(row: Float64) -> npt.NDArray[np.int64]:
    """Epochs with a figure, counted from 1: not many more than can be told apart."""
    epochs = np.flatnonzero(np.isfinite(row)) + 1
    if len(epochs) <= _MOST_POINTS:
        return epochs
    places = np.linspace(0, len(epochs) - 1, _MOST_POINTS).round().astype(int)
    return np.asarray(epochs[places])


def _path(epochs: npt.NDArray[np.int64], values: Float64, x: Scale, y: Scale) -> str:
    points = _points(epochs, values, x, y)
    return f"M{points[0]}h.01" if len(points) == 1 else f"M{'L'.join(points)}"


def _points(epochs: Iterable[int], values: Iterable[float], x: Scale, y: Scale) -> list[str]:
    return [
        f"{x.at(epoch):g} {100 - y.at(value):.4g}"
        for epoch, value in zip(epochs, values, strict=True)
    ]
