"""The curves of a run's plots: mean and range of each variant, and pinned trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from genre_tui.core.theme import MARKS, SERIES
from genre_tui.model.run_model import RunModel
from genre_tui.model.trial_groups import VariantGroups
from genre_tui.plots.curve import Curve

SMOOTHINGS = (0.0, 0.6, 0.9)
MOST_VARIANTS = 12  # drawn at a time; more cannot be distinguished
_MOST_BANDS = 3  # number of variants up to which all have a band
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Metric:
    """The metric of a plot.

    Args:
        validation, train: names in the history; "" for none.
        factor: to the title's unit.
        figure: format of a value.
    """

    title: str
    validation: str
    train: str
    factor: float
    figure: str


METRICS = (
    Metric("macro-F1 %", "val_macro_f1", "", 100, "{:.1f}"),
    Metric("accuracy %", "val_accuracy", "accuracy", 100, "{:.1f}"),
    Metric("loss", "val_loss", "loss", 1, "{:.3f}"),
    Metric("learning rate", "learning_rate", "", 1, "{:.2g}"),
)


@dataclass(frozen=True)
class CurveOptions:
    """What the plots draw, and how.

    Args:
        smoothing: weight of the past in an exponential moving average; 0 for none.
        by_time: whether the x axis is time since a trial began, not its epoch.
        lines: "both", "validation" or "train".
        rates: indices of chosen learning rates by index of the variant; others show the best.
        pinned: ids of trials with curves of their own.
        variant: index of the variant that is drawn in front.
    """

    smoothing: float = 0.0
    by_time: bool = False
    lines: str = "both"
    rates: Mapping[int, int] = field(default_factory=dict)
    pinned: tuple[str, ...] = ()
    variant: int = 0

    def rate_of(self, number: int, variant: VariantGroups) -> int:
        """Index of the shown learning rate of a variant."""
        chosen = self.rates.get(number)
        return variant.best if chosen is None else min(chosen, len(variant.groups) - 1)


def shown_variants(model: RunModel, options: CurveOptions) -> list[int]:
    """Indices of the variants that are drawn, the best first."""
    settings = model.settings

    def score(number: int) -> float:
        return settings[number].groups[options.rate_of(number, settings[number])].score

    numbers = sorted(range(len(settings)), key=score, reverse=True)
    kept = numbers[:MOST_VARIANTS]
    if options.variant not in kept and options.variant in numbers:
        kept[-1] = options.variant
    return kept


def curves_of(model: RunModel, metric: Metric, options: CurveOptions) -> list[Curve]:
    """The curves of a plot, the most important first."""
    numbers = shown_variants(model, options)
    curves: list[Curve] = []
    few = len(numbers) <= _MOST_BANDS
    unit = time_unit(model, options)[1]
    solid = metric.train if options.lines == "train" and metric.train else metric.validation
    for number in numbers:
        variant = model.settings[number]
        group = variant.groups[options.rate_of(number, variant)]
        in_front = len(numbers) > 1 and number == options.variant
        is_full = few or in_front
        seconds = group.band("seconds").mean if options.by_time else None
        band = group.band(solid)
        x = _x(seconds, band.epochs, unit)
        has_band = is_full and group.begun > 1
        edges = (band.low, band.high) if has_band else ([], [])
        mean, low, high = (_smooth(y, metric, options)[: len(x)] for y in (band.mean, *edges))
        last = _last(band.mean[: len(x)], metric)
        name, mark = variant.name, mark_of(number)
        curves.append(Curve(name, number, mark, x, mean, low, high, is_strong=in_front, last=last))
        if is_full and options.lines == "both" and metric.train:
            train = group.band(metric.train)
            y = _smooth(train.mean, metric, options)
            x = _x(seconds, train.epochs, unit)
            curves.append(Curve("", number, "", x, y[: len(x)], dotted=True))
    names = {variant.name: number for number, variant in enumerate(model.settings)}
    for place, name in enumerate(options.pinned, 1):
        if name in model.trials:
            trial = model.trials[name]
            history = trial.history
            values = history.values(solid)
            x = _x(history.times() if options.by_time else None, history.epochs, unit)
            x = x[: len(values)]
            y = _smooth(values, metric, options)[: len(x)]
            which = f"s{trial.seed}" if trial.fold is None else f"f{trial.fold} s{trial.seed}"
            title, colour = f"{which} {trial.variant}", names.get(trial.variant, 0)
            last = _last(values[: len(x)], metric)
            curves.insert(0, Curve(title, colour, str(place % 10), x, y, last=last))
    return curves


def mark_of(variant: int) -> str:
    """The character that marks a variant's curve."""
    if variant < len(MARKS):
        return MARKS[variant]
    return _LETTERS[(variant - len(SERIES)) % len(_LETTERS)]


def time_unit(model: RunModel, options: CurveOptions) -> tuple[str, float]:
    """Name of the x axis, and seconds in its unit."""
    if not options.by_time:
        return "epoch", 1.0
    longest = max((trial.history.seconds for trial in model.trials.values()), default=0)
    if longest > 2 * 3600:
        return "hours", 3600.0
    return ("minutes", 60.0) if longest > 120 else ("seconds", 1.0)


def _x(seconds: Sequence[float] | None, epochs: Sequence[int], unit: float) -> list[float]:
    """Epochs, or where `seconds` are given times in the axis's unit."""
    if seconds is not None:
        return [second / unit for second in seconds[: len(epochs)]]
    return [float(epoch) for epoch in epochs]


def _last(values: Sequence[float], metric: Metric) -> float | None:
    """The last value in the metric's unit, never smoothed."""
    return next((metric.factor * value for value in reversed(values) if math.isfinite(value)), None)


def _smooth(values: Sequence[float], metric: Metric, options: CurveOptions) -> list[float]:
    """Values in the metric's unit, as an exponential moving average with bias correction."""
    weight, factor = options.smoothing, metric.factor
    if not weight:
        return [factor * value for value in values]
    smooth: list[float] = []
    total = share = 0.0
    for value in values:
        if math.isfinite(value):
            total = weight * total + (1 - weight) * value
            share = weight * share + (1 - weight)
            smooth.append(factor * total / share)
        else:
            smooth.append(math.nan)
    return smooth
