"""Training curves: a small panel for each figure of each variant, on shared axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.report import scale
from experiments.report.histories import Float64, Histories
from experiments.report.scale import Axis

_MOST_POINTS = 200  # of a line: more are finer than a printer resolves
_HOPELESS = 4.0  # multiple of a uniform guess's loss, above which curves leave the panel


@dataclass(frozen=True)
class Series:
    """A metric of the histories and how it is drawn.

    Args:
        name: of the metric.
        style: "train", "validation" or "rate".
        label: in the legend.
    """

    name: str
    style: str
    label: str


@dataclass(frozen=True)
class Chart:
    """The metrics of one column of panels."""

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
    """A metric over seeds, as SVG paths in a square of 100 by 100.

    Args:
        style: as in `Series`.
        mean: path of the mean over the seeds that are still training.
        band: outline of the range over seeds; empty for one seed.
    """

    style: str
    mean: str
    band: str


@dataclass(frozen=True)
class Panel:
    """One chart of one variant.

    Args:
        title: of the chart.
        x, y: axes, shared by all panels of the chart.
        lines: of the finished trials.
        diverged: paths of the diverged trials.
        kept: epochs whose weights were kept, if not the last ones; per cent of x.
    """

    title: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    diverged: tuple[str, ...]
    kept: tuple[float, ...]


@dataclass(frozen=True)
class Curves:
    """All panels of a run.

    Args:
        of_variant: panels of each variant, in the order of the histories.
        constant_rate: whether no trial changed its learning rate; then no panel shows it.
        clipped_loss: upper end of the loss axis where losses exceed it, else None.
    """

    of_variant: tuple[tuple[Panel, ...], ...]
    constant_rate: bool
    clipped_loss: float | None


def draw(histories: Sequence[Histories], classes: int) -> Curves:
    """Lay out the curves of all variants.

    Args:
        histories: one for each variant.
        classes: number of genres; the loss of a uniform guess is its logarithm.
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
    """All finite values of a chart: of finished trials, or without any of diverged ones."""
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


def _axis(chart: Chart, values: Float64, limit: float) -> Axis:
    if chart.title == "learning rate":
        return scale.logarithmic(values.tolist())
    if chart.title == "loss":
        return scale.linear(np.minimum(values, limit).tolist(), 3, floor=0.0)
    return scale.linear(values.tolist(), 3, floor=0.0, ceiling=1.0, percent=True)


def _panel(chart: Chart, history: Histories, x: Axis, y: Axis) -> Panel:
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


def _line(style: str, values: Float64, x: Axis, y: Axis) -> Line:
    """Mean and range over trials. `values`: [shape=(trials, epochs)]"""
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
    """Epochs with a value, counted from 1; evenly thinned to `_MOST_POINTS`."""
    epochs = np.flatnonzero(np.isfinite(row)) + 1
    if len(epochs) <= _MOST_POINTS:
        return epochs
    places = np.linspace(0, len(epochs) - 1, _MOST_POINTS).round().astype(int)
    return np.asarray(epochs[places])


def _path(epochs: npt.NDArray[np.int64], values: Float64, x: Axis, y: Axis) -> str:
    points = _points(epochs, values, x, y)
    return f"M{points[0]}h.01" if len(points) == 1 else f"M{'L'.join(points)}"


def _points(epochs: Iterable[int], values: Iterable[float], x: Axis, y: Axis) -> list[str]:
    return [
        f"{x.at(epoch):g} {100 - y.at(value):.4g}"
        for epoch, value in zip(epochs, values, strict=True)
    ]
