"""The curves of a run's plots: a mean with a band for each variant, and pinned trials."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from experiments.runs.progress import TrialProgress
from genre_tui.core.theme import MARKS, SERIES
from genre_tui.model.run_model import RunModel
from genre_tui.model.trial_groups import Band, Group, Variant
from genre_tui.plots.curve import Curve

SMOOTHINGS = (0.0, 0.6, 0.9)
MOST_VARIANTS = 12  # that are drawn; more are told apart by nobody
_MOST_BANDS = 3  # variants that all have their band
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Metric:
    """What a plot shows.

    Args:
        title: with the unit.
        validation, train: names of the figures; "" where there is none.
        factor: to the unit.
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
class Choice:
    """What is drawn, and how.

    Args:
        smoothing: weight of the past in an exponential moving average; 0 for none.
        by_time: whether the x axis is time since a trial began, not its epoch.
        lines: "both", "validation" or "train".
        rates: numbers of the learning rates that were chosen, by variants; the best
            so far of others.
        pinned: ids of trials with curves of their own.
        variant: number of the one that is drawn in front.
    """

    smoothing: float = 0.0
    by_time: bool = False
    lines: str = "both"
    rates: Mapping[int, int] = field(default_factory=dict)
    pinned: tuple[str, ...] = ()
    variant: int = 0

    def rate_of(self, number: int, variant: Variant) -> int:
        """Number of the learning rate of a variant that is shown."""
        chosen = self.rates.get(number)
        return variant.best if chosen is None else min(chosen, len(variant.groups) - 1)


def shown_variants(model: RunModel, choice: Choice) -> list[int]:
    """Numbers of the variants that are drawn, the best first."""
    settings = model.settings

    def score(number: int) -> float:
        return settings[number].groups[choice.rate_of(number, settings[number])].score

    numbers = sorted(range(len(settings)), key=score, reverse=True)
    kept = numbers[:MOST_VARIANTS]
    if choice.variant not in kept and choice.variant in numbers:
        kept[-1] = choice.variant
    return kept


def curves_of(model: RunModel, metric: Metric, choice: Choice) -> list[Curve]:
    """The curves of a plot, the more important first."""
    numbers = shown_variants(model, choice)
    curves: list[Curve] = []
    few = len(numbers) <= _MOST_BANDS
    unit = time_unit(model, choice)[1]
    for number in numbers:
        variant = model.settings[number]
        group = variant.groups[choice.rate_of(number, variant)]
        in_front = len(numbers) > 1 and number == choice.variant
        is_full = few or in_front
        solid = metric.validation if choice.lines != "train" or not metric.train else metric.train
        band = group.band(solid)
        x = _x(group, len(band.mean), choice, unit)
        has_band = is_full and len(group.trials) > 1 and group.begun > 1
        curves.append(_of_band(variant.name, number, x, band, metric, choice, has_band, in_front))
        if is_full and choice.lines == "both" and metric.train:
            y = _smooth(group.band(metric.train).mean, metric, choice)
            x = _x(group, len(y), choice, unit)
            curves.append(Curve("", number, "", x, y[: len(x)], dotted=True))
    names = {variant.name: number for number, variant in enumerate(model.settings)}
    for place, trial in enumerate(choice.pinned, 1):
        if trial in model.trials:
            pinned = model.trials[trial]
            colour = names.get(pinned.variant, 0)
            curves.insert(0, _of_trial(pinned, place, colour, metric, choice, unit))
    return curves


def mark_of(variant: int) -> str:
    """The character that tells a variant's curve apart without colour."""
    if variant < len(MARKS):
        return MARKS[variant]
    return _LETTERS[(variant - len(SERIES)) % len(_LETTERS)]


def time_unit(model: RunModel, choice: Choice) -> tuple[str, float]:
    """Name of the x axis, and seconds in its unit."""
    if not choice.by_time:
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
    choice: Choice,
    has_band: bool,
    in_front: bool,
) -> Curve:
    mean = _smooth(band.mean, metric, choice)[: len(x)]
    low: list[float] = []
    high: list[float] = []
    if has_band:
        low = _smooth(band.low, metric, choice)[: len(x)]
        high = _smooth(band.high, metric, choice)[: len(x)]
    last = _last(band.mean[: len(x)], metric)
    return Curve(name, number, mark_of(number), x, mean, low, high, is_strong=in_front, last=last)


def _of_trial(
    trial: TrialProgress, place: int, colour: int, metric: Metric, choice: Choice, unit: float
) -> Curve:
    name = metric.train if choice.lines == "train" and metric.train else metric.validation
    y = _smooth(trial.metrics.get(name, []), metric, choice)
    if choice.by_time:
        x = [second / unit for second in trial.seconds[: len(y)]]
    else:
        x = [float(epoch) for epoch in range(1, len(y) + 1)]
    mark, last = str(place % 10), _last(trial.metrics.get(name, [])[: len(x)], metric)
    return Curve(f"s{trial.seed} {trial.variant}", colour, mark, x, y[: len(x)], last=last)


def _x(group: Group, length: int, choice: Choice, unit: float) -> list[float]:
    if choice.by_time:
        return [second / unit for second in group.band("seconds").mean[:length]]
    return [float(epoch) for epoch in range(1, length + 1)]


def _last(values: Sequence[float], metric: Metric) -> float | None:
    """The last value as it was measured, in the metric's unit: it is no other when smoothed."""
    return next((metric.factor * value for value in reversed(values) if math.isfinite(value)), None)


def _smooth(values: Sequence[float], metric: Metric, choice: Choice) -> list[float]:
    """In the metric's unit; an exponential moving average that begins without bias."""
    weight, factor = choice.smoothing, metric.factor
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
