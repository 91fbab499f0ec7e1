"""Dot plots: a row for each variant and baseline with its seeds, mean and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from experiments.report import scale
from experiments.report.scale import Axis
from experiments.results.run_result import RunResult, VariantResult
from experiments.statistics.intervals import Interval

if TYPE_CHECKING:
    from experiments.results.analysis import Analysis

Figure = Literal["accuracy", "macro_f1"]
_NAMES: dict[Figure, str] = {"accuracy": "accuracy %", "macro_f1": "macro-F1 %"}
_FAR = 0.15  # distance from the variants beyond which a baseline is written at the plot's edge
_Points = tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class DotPlotEntry:
    """A variant or baseline.

    Args:
        name: of the entry.
        values: shares, one for each seed or fold.
        mean: of the values.
        interval: of the mean.
        sources: published shares with labels.
        is_baseline: whether it is a baseline.
    """

    name: str
    values: tuple[float, ...]
    mean: float | None
    interval: Interval | None = None
    sources: _Points = ()
    is_baseline: bool = False

    @property
    def shown(self) -> list[float]:
        """All shares that the plot should contain."""
        means = [] if self.mean is None else [self.mean]
        limits = [self.interval.low, self.interval.high] if self.interval else []
        return [*self.values, *means, *limits, *(share for share, _ in self.sources)]


@dataclass(frozen=True)
class DotPlotRow:
    """Positions of an entry, in per cent of the axis.

    Args:
        entry: whose values, mean, interval and sources are positioned.
        seeds, mean, interval, sources: their positions.
        lines: positions of baselines whose vertical lines cross this row.
        beyond: "low" or "high" if the mean lies outside the axis.
    """

    entry: DotPlotEntry
    seeds: tuple[float, ...]
    mean: float | None
    interval: tuple[float, float] | None
    sources: _Points
    lines: tuple[float, ...]
    beyond: str = ""


@dataclass(frozen=True)
class DotPlotLayout:
    """Rows and axis of a plot of one figure, such as "accuracy %"; dots are a "seed" or "fold"."""

    what: str
    axis: Axis
    rows: tuple[DotPlotRow, ...]
    unit: str = "seed"


def plot_run(
    result: RunResult,
    analysis: Analysis | None,
    figure: Figure,
    variants: Sequence[VariantResult] | None = None,
) -> DotPlotLayout:
    """The plot of a run's variants, in the study's order unless given, and baselines."""
    entries = []
    for variant in result.variants if variants is None else variants:
        found = analysis.intervals.get(variant.name) if analysis else None
        interval = getattr(found, figure) if found else None
        entries.append(variant_entry(variant.name, variant, figure, interval))
    for baseline in result.baselines:
        if baseline.n:
            spread = getattr(baseline, figure)
            values = tuple(spread.independent)
            entry = DotPlotEntry(baseline.name, values, spread.mean, is_baseline=True)
            entries.append(entry)
    return lay_out(_NAMES[figure], entries, result.unit)


def variant_entry(
    name: str, variant: VariantResult, figure: Figure, interval: Interval | None
) -> DotPlotEntry:
    """A variant with its published figures; of F1 only macro-F1."""
    spread = getattr(variant, figure)
    sources = tuple(
        (value / 100, f"source {one.source}: {value:.2f} % ({one.protocol})")
        for one in variant.published
        if figure == "accuracy" or one.f1_kind == "macro"
        for value in [one.accuracy if figure == "accuracy" else one.f1]
    )
    return DotPlotEntry(name, tuple(spread.independent), spread.mean, interval, sources)


def lay_out(what: str, entries: Sequence[DotPlotEntry], unit: str = "seed") -> DotPlotLayout:
    """Position entries, variants before baselines, on one axis.

    The axis contains everything of the variants, and the baselines that are near enough for the
    variants to stay distinguishable.
    """
    core = [value for entry in entries if not entry.is_baseline for value in entry.shown]
    near = [
        entry.mean
        for entry in entries
        if entry.is_baseline and entry.mean is not None
        if not core or min(core) - _FAR <= entry.mean <= max(core) + _FAR
    ]
    axis = scale.linear([*core, *near], 4, floor=0.0, ceiling=1.0, percent=True)
    rows = (_row(entry, entries[number:], axis) for number, entry in enumerate(entries))
    return DotPlotLayout(what, axis, tuple(rows), unit)


def _row(entry: DotPlotEntry, following: Sequence[DotPlotEntry], axis: Axis) -> DotPlotRow:
    """`following`: the entry and all below it."""
    mean, interval, beyond = entry.mean, entry.interval, ""
    if mean is not None and not axis.holds(mean):
        beyond = "low" if mean < axis.low else "high"
    baselines = (other.mean for other in following if other.is_baseline)
    return DotPlotRow(
        entry,
        tuple(axis.at(value) for value in entry.values if axis.holds(value)),
        None if mean is None or beyond else axis.at(mean),
        None if interval is None else (axis.at(interval.low), axis.at(interval.high)),
        tuple((axis.at(share), label) for share, label in entry.sources),
        tuple(axis.at(value) for value in baselines if value is not None and axis.holds(value)),
        beyond,
    )
