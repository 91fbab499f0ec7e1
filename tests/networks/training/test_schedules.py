"""Our schedules give the rates of torch's, and set them where they should."""

import networks  # noqa: F401  # it sets Keras's backend

# isort: split

import keras
import numpy as np
import pytest
import torch

from networks.models.config import ScheduleConfig, TrainingConfig
from networks.optimizers import make_optimizer
from networks.training.schedules import Rates, cosine, one_cycle, rates_at, schedule_callbacks

PERIODS = [1, 2, 3, 7, 20, 100]


def torch_rates(make_scheduler, steps, rate):
    """Learning rate and beta_1 of each step under a scheduler of torch's."""
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = make_scheduler(optimizer)
    rates = []
    for t in range(steps):
        group = optimizer.param_groups[0]
        rates.append((group["lr"], group["betas"][0]))
        optimizer.step()
        if t < steps - 1:
            scheduler.step()
    return rates


class Recorder(keras.callbacks.Callback):
    """The rates each step was taken with."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate.value)
        beta_1 = float(optimizer.beta_1.value) if hasattr(optimizer, "beta_1") else None
        self.rates.append((rate, beta_1))


class Validation(keras.callbacks.Callback):
    """A validation series written by hand."""

    def __init__(self, monitor, values):
        super().__init__()
        self.monitor, self.values = monitor, values

    def on_epoch_end(self, epoch, logs=None):
        logs[self.monitor] = self.values[epoch]


def fit(training, steps_per_epoch, before=(), initial_epoch=0):
    """The rates of each step of a `fit`, a row an epoch. [shape=(epochs, steps, 2)]"""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(make_optimizer(training), "mse")
    recorder = Recorder()
    rows = np.ones((2 * steps_per_epoch - 1, 2))
    model.fit(
        rows,
        rows[:, :1],
        batch_size=2,
        epochs=training.epochs,
        initial_epoch=initial_epoch,
        callbacks=[*before, *schedule_callbacks(training, steps_per_epoch), recorder],
        verbose=0,
    )
    return np.array(recorder.rates).reshape(-1, steps_per_epoch, 2)


@pytest.mark.parametrize("period", PERIODS)
def test_cosine_is_torchs_also_after_its_period(period):
    steps = 4 * period + 1
    theirs = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, period),
        steps,
        rate=0.3,
    )
    ours = [cosine(t, period, 0.3) for t in range(steps)]
    # torch multiplies its way from step to step, which loses some digits near 0.
    np.testing.assert_allclose(ours, [rate for rate, _ in theirs], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("period", PERIODS)
def test_one_cycle_is_torchs(period):
    theirs = torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=0.3, total_steps=period
        ),
        period,
        rate=0.01,
    )
    ours = [one_cycle(t, period, 0.3) for t in range(period)]
    np.testing.assert_allclose([(r.learning_rate, r.beta_1) for r in ours], theirs, rtol=1e-12)


def test_one_cycle_stays_where_it_ended():
    last = one_cycle(9, 10, 0.5)
    assert last == Rates(pytest.approx(0.5 / 25 / 1e4), pytest.approx(0.95))
    assert [one_cycle(t, 10, 0.5) for t in (10, 11, 1000)] == [last] * 3


def test_period_is_the_whole_training_in_units_of_the_stepping():
    by_epoch = TrainingConfig(epochs=10, schedule=ScheduleConfig(kind="cosine"))
    assert rates_at(by_epoch, 4, epoch=5, step=0) == rates_at(by_epoch, 4, epoch=5, step=3)
    assert rates_at(by_epoch, 4, epoch=5, step=0).learning_rate == pytest.approx(5e-4)
    by_step = TrainingConfig(epochs=10, schedule=ScheduleConfig(kind="cosine", stepping="step"))
    assert rates_at(by_step, 4, epoch=5, step=0).learning_rate == pytest.approx(5e-4)
    assert rates_at(by_step, 4, epoch=2, step=3).learning_rate == cosine(11, 40, 1e-3)


def test_one_cycle_sized_in_steps_but_stepped_by_epochs_hardly_rises():
    schedule = ScheduleConfig(kind="one_cycle", period=10 * 200, max_learning_rate=0.1)
    training = TrainingConfig(epochs=10, schedule=schedule)
    assert rates_at(training, 200, epoch=9, step=199) == one_cycle(9, 2000, 0.1)
    assert rates_at(training, 200, epoch=9, step=199).learning_rate < 0.00406


def test_one_cycle_peaks_at_the_base_rate_unless_told_otherwise():
    training = TrainingConfig(learning_rate=0.5, schedule=ScheduleConfig(kind="one_cycle"))
    assert rates_at(training, 1, epoch=0, step=0).learning_rate == pytest.approx(0.5 / 25)


def test_without_a_schedule_the_base_rate_stands():
    training = TrainingConfig(learning_rate=0.25)
    assert rates_at(training, 5, epoch=3, step=4) == Rates(0.25)
    assert schedule_callbacks(training, 5) == []


def test_no_steps_in_an_epoch_are_refused():
    with pytest.raises(ValueError, match=r"steps_per_epoch must be at least 1\. Received: 0"):
        rates_at(TrainingConfig(), 0, epoch=0, step=0)


@pytest.mark.parametrize("stepping", ["epoch", "step"])
@pytest.mark.parametrize("kind", ["cosine", "one_cycle"])
@pytest.mark.parametrize("optimizer", ["adam", "radam"])
def test_fit_takes_each_step_with_its_rates(optimizer, kind, stepping):
    schedule = ScheduleConfig(kind=kind, stepping=stepping)
    training = TrainingConfig(
        optimizer=optimizer, learning_rate=0.1, epochs=5, batch_size=2, schedule=schedule
    )
    expected = [
        [
            (r.learning_rate, r.beta_1 or 0.9)
            for r in (rates_at(training, 3, e, s) for s in range(3))
        ]
        for e in range(5)
    ]
    assert len({rate for epoch in expected for rate, _ in epoch}) == (
        5 if stepping == "epoch" else 15
    )
    np.testing.assert_allclose(fit(training, 3), expected, rtol=1e-6)


@pytest.mark.parametrize("stepping", ["epoch", "step"])
def test_training_that_goes_on_finds_the_same_rates(stepping):
    schedule = ScheduleConfig(kind="one_cycle", stepping=stepping)
    training = TrainingConfig(learning_rate=0.1, epochs=5, batch_size=2, schedule=schedule)
    np.testing.assert_array_equal(fit(training, 3, initial_epoch=2), fit(training, 3)[2:])


def test_one_cycle_moves_only_the_rate_of_an_optimizer_without_beta_1():
    schedule = ScheduleConfig(kind="one_cycle")
    training = TrainingConfig(optimizer="sgd", epochs=4, batch_size=2, schedule=schedule)
    rates = fit(training, 2)[:, 0, 0].astype(float)
    expected = [one_cycle(t, 4, 1e-3).learning_rate for t in range(4)]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
@pytest.mark.parametrize(
    ("monitor", "values"),
    [
        # Best at epoch 1; epochs 2 and 3 are no better: down at the end of 3. Better by
        # less than 1e-4 counts as no better: down again at the end of 5.
        ("val_loss", [0.9, 0.5, 0.6, 0.5, 0.49995, 0.49991, 0.4, 0.3]),
        ("val_macro_f1", [0.1, 0.5, 0.4, 0.5, 0.50005, 0.50009, 0.6, 0.7]),
    ],
)
def test_plateau_reduces_when_the_series_says_so(monitor, values):
    schedule = ScheduleConfig(kind="reduce_on_plateau", monitor=monitor, patience=2, factor=0.5)
    training = TrainingConfig(learning_rate=0.8, epochs=8, batch_size=2, schedule=schedule)
    rates = fit(training, 1, before=[Validation(monitor, values)])[:, 0, 0]
    np.testing.assert_allclose(rates, [0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.2, 0.2], rtol=1e-6)
