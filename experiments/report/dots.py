"""Where each variant's figures lie: a dot a seed, their mean and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from experiments.report import scale
from experiments.report.scale import Scale
from experiments.statistics.intervals import Interval

_FAR = 0.15  # from the variants: a baseline beyond is named at the plot's edge


@dataclass(frozen=True)
class Source:
    """A documented figure. `at`: share; `label`: of the source and what it ran."""

    at: float
    label: str


@dataclass(frozen=True)
class Entry:
    """What a row shows, all in shares.

    Args:
        name: of a variant or baseline.
        values: one a seed.
        mean: of these.
        interval: of the mean.
        sources: documented figures.
        is_baseline: whether it is one.
    """

    name: str
    values: tuple[float, ...]
    mean: float | None
    interval: Interval | None = None
    sources: tuple[Source, ...] = ()
    is_baseline: bool = False


@dataclass(frozen=True)
class Row:
    """A row of the plot: places are per cent of its width.

    Args:
        entry: that it shows.
        seeds, mean, interval, sources: of the entry.
        lines: of baselines that pass through this row.
        beyond: "low" or "high" where its mean lies outside the plot.
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
    """One figure of all variants and baselines. `what`: the figure's name."""

    what: str
    axis: Scale
    rows: tuple[Row, ...]


def place(what: str, entries: Sequence[Entry]) -> Dots:
    """Place all entries on one axis; variants first, then baselines.

    The axis holds all that variants show, and baselines unless they lie so far away
    that the variants could not be told apart.
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


def _row(number: int, entries: Sequence[Entry], axis: Scale) -> Row:
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
