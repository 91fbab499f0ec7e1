from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest

from networks.engine.cohort import TrialSpec, train_cohort
from networks.inference import logits_of
from networks.models.config import (
    CNNConfig,
    EarlyStoppingConfig,
    FFNConfig,
    NetworkConfig,
    TrainingConfig,
)
from networks.training.random_streams import row_order
from networks.training.results import LabelledRows, TrainingResult, best_epoch
from tests.conftest import small_split

SGD = TrainingConfig(optimizer="sgd", learning_rate=0.05, epochs=3, batch_size=7)
FFN = FFNConfig()
SMALL_CNN = CNNConfig(filters=(2, 4), dense=(8,))


def _rows(features: str, rows: int, seed: int) -> LabelledRows:
    split = small_split(rows, 3, 0, seed)
    return LabelledRows(getattr(split, features), split.label)


def _train(
    network: NetworkConfig = FFN,
    training: TrainingConfig = SGD,
    seed: int = 1,
    callbacks: list[Any] | None = None,
    validation: LabelledRows | None = None,
) -> TrainingResult:
    (outcome,) = train_cohort(
        [TrialSpec(network, training, seed)],
        _rows(network.features, 45, 1),
        validation or _rows(network.features, 24, 2),
        3,
        callbacks=lambda _: callbacks or [],
    )
    assert isinstance(outcome, TrainingResult)
    return outcome


def _same(a: TrainingResult, b: TrainingResult) -> bool:
    return all(
        np.array_equal(x, y)
        for x, y in zip(a.model.get_weights(), b.model.get_weights(), strict=True)
    )


@pytest.mark.parametrize(
    "network",
    [
        FFNConfig(dropout=0.3, batch_norm=True, standardize=True),
        replace(SMALL_CNN, dropout=0.3, batch_norm=True),
    ],
)
def test_the_same_trial_twice_is_bit_identical(network: NetworkConfig) -> None:
    first, second = _train(network), _train(network)
    assert _same(first, second)
    assert first.history == second.history
    assert not _same(first, _train(network, seed=2))


def test_it_learns() -> None:
    trained = _train(FFNConfig(), replace(SGD, epochs=60))
    assert trained.history["val_accuracy"][-1] > 0.9
    assert trained.history["loss"][-1] < trained.history["loss"][0]


def test_validation_and_callbacks_change_nothing_in_training() -> None:
    network = FFNConfig(dropout=0.3, batch_norm=True)
    plain = _train(network)
    other = _train(
        network, validation=_rows("mfcc", 99, 7), callbacks=[keras.callbacks.LambdaCallback()]
    )
    assert _same(plain, other)
    assert plain.history["loss"] == other.history["loss"]
    assert plain.history["val_loss"] != other.history["val_loss"]


class Seen(keras.callbacks.Callback):
    """Weights and logs at each epoch's end."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[list[np.ndarray]] = []
        self.logs: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.weights.append([np.array(weight) for weight in self.model.get_weights()])
        self.logs.append(dict(logs or {}))


def test_training_equals_plain_steps_in_the_same_order() -> None:
    """The documented loop, by hand: shuffled rows, batches of 7, SGD."""
    import torch

    trained = _train(training=replace(SGD, epochs=2))
    rows = _rows("mfcc", 45, 1)
    layers = [torch.nn.Linear(26, 128), torch.nn.Linear(128, 32), torch.nn.Linear(32, 3)]
    first = _train(training=replace(SGD, epochs=1))
    from networks.models.build import build_model

    initial = build_model(FFNConfig(), 3, 1).get_weights()
    with torch.no_grad():
        for layer, kernel, bias in zip(layers, initial[::2], initial[1::2], strict=True):
            layer.weight.copy_(torch.from_numpy(kernel.T))
            layer.bias.copy_(torch.from_numpy(bias))
    network = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    x, y = torch.from_numpy(rows.features).float(), torch.from_numpy(rows.label)
    for epoch in range(2):
        if epoch == 1:
            np.testing.assert_allclose(
                layers[0].weight.detach().numpy().T, first.model.get_weights()[0], atol=1e-6
            )
        order = torch.from_numpy(row_order(1, epoch, 45))
        for batch in order.split(7):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimizer.step()
    ours = trained.model.get_weights()
    for layer, kernel, bias in zip(layers, ours[::2], ours[1::2], strict=True):
        np.testing.assert_allclose(layer.weight.detach().numpy().T, kernel, atol=1e-5)
        np.testing.assert_allclose(layer.bias.detach().numpy(), bias, atol=1e-5)


def test_rows_are_shuffled_from_seed_and_epoch_alone() -> None:
    assert np.array_equal(row_order(3, 5, 100), row_order(3, 5, 100))
    assert not np.array_equal(row_order(3, 5, 100), row_order(3, 6, 100))
    assert not np.array_equal(row_order(3, 5, 100), row_order(4, 5, 100))
    assert sorted(row_order(3, 5, 100)) == list(range(100))


def test_the_last_epoch_is_kept() -> None:
    seen = Seen()
    trained = _train(training=replace(SGD, epochs=4), callbacks=[seen])
    for kept, last in zip(trained.model.get_weights(), seen.weights[-1], strict=True):
        np.testing.assert_array_equal(kept, last)


def test_the_best_epoch_is_kept_as_a_true_copy() -> None:
    seen = Seen()
    training = replace(SGD, learning_rate=1.0, epochs=12, keep="best")
    trained = _train(training=training, callbacks=[seen])
    scores = [logs["val_macro_f1"] for logs in seen.logs]
    assert trained.best_epoch == int(np.argmax(scores)) + 1
    assert trained.best_epoch < 12, "this test needs a best epoch before the last"
    for kept, best in zip(
        trained.model.get_weights(), seen.weights[trained.best_epoch - 1], strict=True
    ):
        np.testing.assert_array_equal(kept, best)


def test_logs_are_pooled_metrics_of_the_epochs_weights() -> None:
    from sklearn.metrics import f1_score, log_loss

    validation = _rows("mfcc", 24, 2)
    trained = _train(validation=validation)
    logits = logits_of(trained.model, validation.features)
    history = trained.history
    assert history["val_accuracy"][-1] == pytest.approx(
        (logits.argmax(1) == validation.label).mean()
    )
    assert history["val_macro_f1"][-1] == pytest.approx(
        f1_score(validation.label, logits.argmax(1), average="macro")
    )
    exact = logits.astype(float)
    probabilities = np.exp(exact) / np.exp(exact).sum(axis=1, keepdims=True)
    assert history["val_loss"][-1] == pytest.approx(
        log_loss(validation.label, probabilities, labels=[0, 1, 2]), rel=1e-6
    )
    assert history["learning_rate"] == pytest.approx([0.05] * 3)
    assert len(trained.epoch_seconds) == 3


def test_early_stopping_ends_after_its_patience() -> None:
    training = replace(
        SGD, learning_rate=1e-9, epochs=30, early_stopping=EarlyStoppingConfig(patience=4)
    )
    assert len(_train(training=training).history["loss"]) == 1 + 4


def test_a_loss_that_is_not_finite_ends_as_diverged() -> None:
    trained = _train(training=replace(SGD, learning_rate=1e30, epochs=9))
    assert trained.status == "diverged"
    assert len(trained.history["loss"]) < 9


def test_the_first_of_equal_epochs_is_best_and_nan_never() -> None:
    assert best_epoch([0.1, 0.5, 0.5]) == 2
    assert best_epoch([float("nan"), 0.1]) == 2


def test_standardisation_is_adapted_on_the_train_rows_alone() -> None:
    trained = _train(FFNConfig(standardize=True), validation=_rows("mfcc", 99, 7))
    layer = trained.model.get_layer("standardize")
    train_rows = _rows("mfcc", 45, 1).features
    np.testing.assert_allclose(np.ravel(layer.mean), train_rows.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(np.ravel(layer.variance), train_rows.var(axis=0), rtol=1e-4)


def test_the_kept_model_is_not_compiled() -> None:
    model = _train().model
    assert not model.compiled
