"""Dot plots: a row for each variant and baseline with its seeds, mean and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.report import scale
from experiments.report.scale import Axis
from experiments.statistics.intervals import Interval

_FAR = 0.15  # distance from the variants beyond which a baseline is written at the plot's edge


@dataclass(frozen=True)
class Source:
    """A published figure. `at`: share; `label`: the source and what it ran."""

    at: float
    label: str


@dataclass(frozen=True)
class Entry:
    """Data of a row; figures are shares.

    Args:
        name: of a variant or baseline.
        values: one for each seed.
        mean: of the values.
        interval: of the mean.
        sources: published figures.
        is_baseline: whether it is a baseline.
    """

    name: str
    values: tuple[float, ...]
    mean: float | None
    interval: Interval | None = None
    sources: tuple[Source, ...] = ()
    is_baseline: bool = False


@dataclass(frozen=True)
class Row:
    """A row of the plot; positions are in per cent of its width.

    Args:
        entry: its data.
        seeds, mean, interval, sources: positions of the entry's figures.
        lines: positions of baselines whose vertical lines cross this row.
        beyond: "low" or "high" where the mean lies outside the plot.
    """

    entry: Entry
    seeds: tuple[float, ...]
    mean: float | None
    interval: tuple[float, float] | None
    sources: tuple[tuple[float, str], ...]
    lines: tuple[float, ...]
    beyond: str = ""


@dataclass(frozen=True)
class Dots:
    """A plot of one figure of all variants and baselines. `what`: the figure's name."""

    what: str
    axis: Axis
    rows: tuple[Row, ...]


def place(what: str, entries: Sequence[Entry]) -> Dots:
    """Lay out entries, variants before baselines, on one axis.

    The axis holds everything of the variants, and those baselines that do not lie so far away
    that the variants would become indistinguishable.
    """
    core = [value for entry in entries if not entry.is_baseline for value in _shown(entry)]
    near = [
        entry.mean
        for entry in entries
        if entry.is_baseline and entry.mean is not None
        if not core or min(core) - _FAR <= entry.mean <= max(core) + _FAR
    ]
    axis = scale.linear([*core, *near], 4, floor=0.0, ceiling=1.0, percent=True)
    return Dots(what, axis, tuple(_row(number, entries, axis) for number in range(len(entries))))


def _shown(entry: Entry) -> list[float]:
    means = [] if entry.mean is None else [entry.mean]
    sources = [source.at for source in entry.sources]
    bounds = [entry.interval.low, entry.interval.high] if entry.interval else []
    return [*entry.values, *means, *bounds, *sources]


def _row(number: int, entries: Sequence[Entry], axis: Axis) -> Row:
    entry = entries[number]
    beyond = ""
    if entry.mean is not None and not axis.holds(entry.mean):
        beyond = "low" if entry.mean < axis.low else "high"
    lines = tuple(
        axis.at(other.mean)
        for other in entries[number:]
        if other.is_baseline and other.mean is not None and axis.holds(other.mean)
    )
    interval = entry.interval
    return Row(
        entry,
        tuple(axis.at(value) for value in entry.values if axis.holds(value)),
        None if entry.mean is None or beyond else axis.at(entry.mean),
        None if interval is None else (axis.at(interval.low), axis.at(interval.high)),
        tuple((axis.at(source.at), source.label) for source in entry.sources),
        lines,
        beyond,
    )
