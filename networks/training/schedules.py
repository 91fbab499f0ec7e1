"""Learning rate schedules.

A rate is a function of the config, the epoch and the step, so training that resumes from
a checkpoint has the same rate. Reducing it on a plateau is the exception, left to Keras's
callback.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras

from networks.models.config import Monitor, TrainingConfig
from networks.optimizers.adam import AdamFamily

# torch.optim.lr_scheduler.OneCycleLR's defaults.
_FIRST_DIVISOR = 25.0
_LAST_DIVISOR = 1e4
_RISING_SHARE = 0.3
_HIGH_BETA_1 = 0.95
_LOW_BETA_1 = 0.85

# torch's ReduceLROnPlateau asks for 1e-4 of the best value, Keras for 1e-4 as it
# stands. Losses and F1 are near enough to 1 for the two to mean the same.
_LEAST_IMPROVEMENT = 1e-4


@dataclass(frozen=True)
class Rates:
    """The rates of a step.

    Args:
        learning_rate: of the optimizer.
        beta_1: of the Adam family; None leaves it alone.
    """

    learning_rate: float
    beta_1: float | None = None


class LearningRateSchedule(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets the optimizer's rates in `keras.Model.fit` as each epoch or step begins.

    Args:
        training: its schedule says which; see `rates_at`.
        steps_per_epoch: batches in an epoch, at least 1.
    """

    def __init__(self, training: TrainingConfig, steps_per_epoch: int) -> None:
        super().__init__()
        self._training = training
        self._steps_per_epoch = steps_per_epoch
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the rates of the epoch's first step."""
        self._epoch = epoch
        self._set_rates(step=0)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the rates of a later step, if the schedule steps by "step"."""
        if batch and self._training.schedule.stepping == "step":
            self._set_rates(step=batch)

    def _set_rates(self, step: int) -> None:
        rates = rates_at(self._training, self._steps_per_epoch, self._epoch, step)
        optimizer = self.model.optimizer
        optimizer.learning_rate = rates.learning_rate
        if rates.beta_1 is not None and isinstance(optimizer, AdamFamily):
            optimizer.beta_1.assign(rates.beta_1)


def schedule_callbacks(
    training: TrainingConfig, steps_per_epoch: int
) -> list[keras.callbacks.Callback]:
    """Make the callbacks of `training.schedule`.

    Args:
        training: the plateau's `patience` is Keras's: the rate falls at the end of
            the `patience`-th epoch in a row without an improvement.
        steps_per_epoch: batches in an epoch, at least 1.

    Returns:
        One callback, or none for the schedule "none".
    """
    schedule = training.schedule
    match schedule.kind:
        case "none":
            return []
        case "reduce_on_plateau":
            return [
                keras.callbacks.ReduceLROnPlateau(
                    monitor=schedule.monitor,
                    mode=monitor_mode(schedule.monitor),
                    factor=schedule.factor,
                    patience=schedule.patience,
                    min_delta=_LEAST_IMPROVEMENT,
                )
            ]
        case _:
            return [LearningRateSchedule(training, steps_per_epoch)]


def monitor_mode(monitor: Monitor) -> str:
    """Whether less ("min") or more ("max") of a metric is better."""
    return "min" if monitor == "val_loss" else "max"


def rates_at(training: TrainingConfig, steps_per_epoch: int, epoch: int, step: int) -> Rates:
    """The rates of one step.

    Args:
        training: its `learning_rate`, `epochs` and `schedule` are used. A plateau
            schedule is not seen here: the base rate stands.
        steps_per_epoch: batches in an epoch, at least 1.
        epoch: counted from 0.
        step: batch in the epoch, counted from 0.

    Returns:
        The same for every step of an epoch unless the schedule steps by "step".

    Raises:
        ValueError: `steps_per_epoch` is less than 1.

    Example:
    >>> training = TrainingConfig(epochs=10, schedule=ScheduleConfig(kind="cosine"))
    >>> rates_at(training, steps_per_epoch=200, epoch=5, step=0)
    Rates(learning_rate=0.0005, beta_1=None)
    """
    if steps_per_epoch < 1:
        raise ValueError(f"steps_per_epoch must be at least 1. Received: {steps_per_epoch}.")
    schedule = training.schedule
    by_step = schedule.stepping == "step"
    t = epoch * steps_per_epoch + step if by_step else epoch
    whole = training.epochs * steps_per_epoch if by_step else training.epochs
    period = schedule.period or whole
    match schedule.kind:
        case "cosine":
            return Rates(cosine(t, period, training.learning_rate))
        case "one_cycle":
            return one_cycle(t, period, schedule.max_learning_rate or training.learning_rate)
        case _:
            return Rates(training.learning_rate)


def cosine(t: int, period: int, base: float) -> float:
    """The learning rate of cosine annealing from `base` to 0, without restarts.

    base * (1 + cos(pi * t / period)) / 2: Loshchilov & Hutter, "SGDR: Stochastic
    Gradient Descent with Warm Restarts", 2017, as
    torch.optim.lr_scheduler.CosineAnnealingLR. After `period` the rate climbs back,
    to `base` at twice `period`, as it does there.

    Args:
        t: epochs or steps before this one.
        period: epochs or steps from `base` to 0, at least 1.
        base: rate at t = 0.
    """
    return base * (1 + math.cos(math.pi * t / period)) / 2


def one_cycle(t: int, period: int, peak: float) -> Rates:
    """The rates of a one-cycle schedule: up to `peak`, then down to almost 0.

    From peak / 25 up over the first 30 % and down to peak / 250 000 over the rest, in
    half cosines; beta_1 goes from 0.95 to 0.85 and back. After Smith & Topin,
    "Super-Convergence", 2018, as torch.optim.lr_scheduler.OneCycleLR. After `period`
    the last rates stay, where OneCycleLR would fail.

    Stepped once an epoch with a period counted in steps, training sees only the
    beginning of the rise: the documented settings do that.

    Args:
        t: epochs or steps before this one.
        period: epochs or steps of the whole cycle, at least 1.
        peak: greatest learning rate.
    """
    first = peak / _FIRST_DIVISOR
    t = min(t, period - 1)
    top = _RISING_SHARE * period - 1
    if t <= top:
        share = t / top
        return Rates(_eased(first, peak, share), _eased(_HIGH_BETA_1, _LOW_BETA_1, share))
    share = (t - top) / (period - 1 - top)
    return Rates(
        _eased(peak, first / _LAST_DIVISOR, share), _eased(_LOW_BETA_1, _HIGH_BETA_1, share)
    )


def _eased(start: float, end: float, share: float) -> float:
    """From `start` to `end` along half a cosine; `share` of the way, 0 to 1."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))
