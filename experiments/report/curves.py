"""Training curves: a small panel for each figure of each variant, on shared axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.report import scale
from experiments.report.scale import Axis
from experiments.results.run_result import CandidateResult

Float64 = npt.NDArray[np.float64]

_MOST_POINTS = 200  # of a line: more are finer than a printer resolves
_HOPELESS = 4.0  # multiple of a uniform guess's loss, above which curves leave the panel


_CHARTS = {  # the metrics of each column of panels, with the styles of their lines
    "loss": {"loss": "train", "val_loss": "validation"},
    "macro-F1 %": {"val_macro_f1": "validation"},
    "accuracy %": {"accuracy": "train", "val_accuracy": "validation"},
    "learning rate": {"learning_rate": "rate"},
}


@dataclass(frozen=True)
class Histories:
    """Metrics by epoch of the trials of one candidate.

    Args:
        metrics: name -> values, NaN after a trial's end and where not finite.
            [shape=(trials, epochs)]
        finished: false for a diverged trial. [shape=(trials,)]
        kept: epoch whose weights each trial kept, 0 if unknown. [shape=(trials,)]
        epochs: of the longest trial.
    """

    metrics: dict[str, Float64]
    finished: npt.NDArray[np.bool_]
    kept: npt.NDArray[np.int64]
    epochs: int

    def of(self, name: str, *, finished: bool = True) -> Float64:
        """A metric of the finished or of the diverged trials; without rows if unknown."""
        values = self.metrics.get(name)
        chosen = self.finished == finished
        return np.empty((0, self.epochs)) if values is None else values[chosen]


@dataclass(frozen=True)
class Line:
    """A metric over seeds, as SVG paths in a square of 100 by 100.

    Args:
        style: "train", "validation" or "rate".
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
        title: of the chart, as in `_CHARTS`.
        x, y: axes, shared by all panels of the chart.
        lines: of the finished trials.
        diverged: paths of the diverged trials.
        kept: positions of epochs before the last whose weights were kept, in per cent of x.
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
        constant_rate: whether all learning rates were constant; then no panel shows them.
        clipped_loss: upper end of the loss axis if losses exceed it, else None.
    """

    of_variant: tuple[tuple[Panel, ...], ...]
    constant_rate: bool
    clipped_loss: float | None


def histories_of(candidates: Sequence[CandidateResult]) -> Histories:
    """Histories of some candidates' trials that have one."""
    found = [result for candidate in candidates for result in candidate.results]
    results = [result for result in found if result and result.history]
    epochs = max((result.epochs for result in results), default=0)
    names = {name for result in results for name in result.history}
    metrics = {name: np.full((len(results), epochs), np.nan) for name in names}
    for row, result in enumerate(results):
        for name, values in result.history.items():
            metrics[name][row, : len(values)] = np.array(values, dtype=float)  # None becomes NaN
    return Histories(
        metrics,
        np.array([result.is_finished for result in results], dtype=bool),
        np.array([result.kept_epoch or 0 for result in results], dtype=np.int64),
        epochs,
    )


def draw(histories: Sequence[Histories], classes: int) -> Curves:
    """Lay out the curves of all variants.

    Args:
        histories: one for each variant.
        classes: number of genres; the loss of a uniform guess is its logarithm.
    """
    moved = [history for history in histories if _moves(history.of("learning_rate"))]
    charts = [title for title in _CHARTS if moved or title != "learning rate"]
    limit = _HOPELESS * math.log(max(classes, 2))
    losses = _values(histories, "loss")
    clipped = limit if losses.max(initial=0.0) > limit else None
    x = scale.whole(max((history.epochs for history in histories), default=1))
    axes = {title: _axis(title, _values(histories, title), limit) for title in charts}
    panels = tuple(
        tuple(_panel(title, history, x, axes[title]) for title in charts) if history.epochs else ()
        for history in histories
    )
    return Curves(panels, not moved, clipped)


def _moves(rates: Float64) -> bool:
    return any(np.ptp(row[np.isfinite(row)]) > 0 for row in rates if np.isfinite(row).any())


def _values(histories: Sequence[Histories], title: str) -> Float64:
    """All finite values of a chart, of finished trials or else of diverged ones."""
    for finished in (True, False):
        arrays = [
            history.of(metric, finished=finished).ravel()
            for history in histories
            for metric in _CHARTS[title]
        ]
        values = np.concatenate([np.empty(0), *arrays])
        values = values[np.isfinite(values)]
        if len(values):
            break
    return np.asarray(values)


def _axis(title: str, values: Float64, limit: float) -> Axis:
    if title == "learning rate":
        return scale.logarithmic(values.tolist())
    if title == "loss":
        return scale.linear(np.minimum(values, limit).tolist(), 3, floor=0.0)
    return scale.linear(values.tolist(), 3, floor=0.0, ceiling=1.0, percent=True)


def _panel(title: str, history: Histories, x: Axis, y: Axis) -> Panel:
    lines = tuple(
        _line(style, values, x, y)
        for metric, style in _CHARTS[title].items()
        if np.isfinite(values := history.of(metric)).any()
    )
    diverged = tuple(
        _path(epochs, row[epochs - 1], x, y)
        for metric in _CHARTS[title]
        for row in history.of(metric, finished=False)
        if len(epochs := _shown(row))
    )
    kept = history.kept[history.finished & (history.kept > 0) & (history.kept < history.epochs)]
    return Panel(title, x, y, lines, diverged, tuple(map(x.at, kept.tolist())))


def _line(style: str, values: Float64, x: Axis, y: Axis) -> Line:
    """Mean and range over trials. `values`: [shape=(trials, epochs)]"""
    epochs = _shown(np.where(np.isfinite(values).any(axis=0), 0.0, np.nan))
    known = np.ma.masked_invalid(values[:, epochs - 1])
    mean = _path(epochs, known.sum(axis=0) / known.count(axis=0), x, y)
    if len(values) == 1:
        return Line(style, mean, "")
    upper, lower = (_points(epochs, end, x, y) for end in (known.max(axis=0), known.min(axis=0)))
    return Line(style, mean, f"M{'L'.join([*upper, *reversed(lower)])}Z")


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
