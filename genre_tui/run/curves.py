"""The curves of a run's plots: mean and range of each variant, and pinned trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from experiments.runs.progress import TrialProgress
from genre_tui.core.theme import MARKS, SERIES
from genre_tui.model.run_model import RunModel
from genre_tui.model.trial_groups import Band, Group, VariantGroups
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
    for number in numbers:
        variant = model.settings[number]
        group = variant.groups[options.rate_of(number, variant)]
        in_front = len(numbers) > 1 and number == options.variant
        is_full = few or in_front
        solid = metric.validation if options.lines != "train" or not metric.train else metric.train
        band = group.band(solid)
        x = _x(group, len(band.mean), options, unit)
        has_band = is_full and len(group.trials) > 1 and group.begun > 1
        curves.append(_of_band(variant.name, number, x, band, metric, options, has_band, in_front))
        if is_full and options.lines == "both" and metric.train:
            y = _smooth(group.band(metric.train).mean, metric, options)
            x = _x(group, len(y), options, unit)
            curves.append(Curve("", number, "", x, y[: len(x)], dotted=True))
    names = {variant.name: number for number, variant in enumerate(model.settings)}
    for place, trial in enumerate(options.pinned, 1):
        if trial in model.trials:
            pinned = model.trials[trial]
            colour = names.get(pinned.variant, 0)
            curves.insert(0, _of_trial(pinned, place, colour, metric, options, unit))
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
    longest = max(
        (trial.seconds[-1] for trial in model.trials.values() if trial.seconds), default=0
    )
    if longest > 2 * 3600:
        return "hours", 3600.0
    return ("minutes", 60.0) if longest > 120 else ("seconds", 1.0)


def _of_band(
    name: str,
    number: int,
    x: list[float],
    band: Band,
    metric: Metric,
    options: CurveOptions,
    has_band: bool,
    in_front: bool,
) -> Curve:
    mean = _smooth(band.mean, metric, options)[: len(x)]
    low: list[float] = []
    high: list[float] = []
    if has_band:
        low = _smooth(band.low, metric, options)[: len(x)]
        high = _smooth(band.high, metric, options)[: len(x)]
    last = _last(band.mean[: len(x)], metric)
    return Curve(name, number, mark_of(number), x, mean, low, high, is_strong=in_front, last=last)


def _of_trial(
    trial: TrialProgress,
    place: int,
    colour: int,
    metric: Metric,
    options: CurveOptions,
    unit: float,
) -> Curve:
    name = metric.train if options.lines == "train" and metric.train else metric.validation
    y = _smooth(trial.metrics.get(name, []), metric, options)
    if options.by_time:
        x = [second / unit for second in trial.seconds[: len(y)]]
    else:
        x = [float(epoch) for epoch in range(1, len(y) + 1)]
    mark, last = str(place % 10), _last(trial.metrics.get(name, [])[: len(x)], metric)
    return Curve(f"s{trial.seed} {trial.variant}", colour, mark, x, y[: len(x)], last=last)


def _x(group: Group, length: int, options: CurveOptions, unit: float) -> list[float]:
    if options.by_time:
        return [second / unit for second in group.band("seconds").mean[:length]]
    return [float(epoch) for epoch in range(1, length + 1)]


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
