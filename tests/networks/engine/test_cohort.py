"""A cohort's members train as `keras.Model.fit` would train each alone."""

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from networks.engine.cohort import FailedTrial, Outcome, TrialSpec, train_cohort
from networks.models.build import build_model
from networks.models.config import (
    CNNConfig,
    EarlyStoppingConfig,
    FFNConfig,
    NetworkConfig,
    Optimizer,
    ScheduleConfig,
    TrainingConfig,
)
from networks.training.keras_fit import fit_with_keras
from networks.training.results import LabelledRows, TrainingResult, class_weights
from tests.conftest import small_split

FFN = FFNConfig(hidden=(16, 8))
CNN = CNNConfig(filters=(2, 3), kernel_size=3, dense=(6,))
BASE = TrainingConfig(optimizer="sgd", learning_rate=0.05, epochs=3, batch_size=7)
CLASSES = 3


def rows(features: str, count: int = 45, seed: int = 1) -> LabelledRows:
    split = small_split(count, CLASSES, 0, seed)
    return LabelledRows(getattr(split, features), split.label)


def train(members: Sequence[TrialSpec], **named: Any) -> list[Outcome]:
    kind = members[0].network.features
    return train_cohort(members, rows(kind), rows(kind, 24, 2), CLASSES, **named)


def one(
    network: NetworkConfig, training: TrainingConfig, seed: int = 1, **named: Any
) -> TrainingResult:
    (outcome,) = train([TrialSpec(network, training, seed)], **named)
    assert isinstance(outcome, TrainingResult)
    return outcome


@functools.cache  # without callbacks
def reference(
    network: NetworkConfig, training: TrainingConfig, seed: int = 1, *, callbacks: Any = ()
) -> TrainingResult:
    kind = network.features
    model = build_model(network, CLASSES, seed, rows(kind).features)
    validation = rows(kind, 24, 2)
    return fit_with_keras(
        model, training, seed, rows(kind), validation, CLASSES, callbacks=callbacks
    )


def assert_close(ours: Outcome, theirs: TrainingResult, rtol: float = 1e-4) -> None:
    assert isinstance(ours, TrainingResult), ours
    assert ours.status == theirs.status
    assert ours.history.keys() == theirs.history.keys()
    for name in ("loss", "val_loss", "learning_rate"):
        np.testing.assert_allclose(ours.history[name], theirs.history[name], rtol=rtol)
    for name in ("accuracy", "val_accuracy"):
        np.testing.assert_allclose(ours.history[name], theirs.history[name], atol=1e-6)
    for a, b in zip(ours.model.get_weights(), theirs.model.get_weights(), strict=True):
        scale = max(float(np.abs(b).max()), 1e-3)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


RATES = {"adadelta": 1.0, "rprop": 1e-3, "sgd": 0.05}


@pytest.mark.parametrize("network", [FFN, CNN], ids=["ffn", "cnn"])
@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_every_optimizer_agrees_with_fit(optimizer: Optimizer, network: NetworkConfig) -> None:
    training = replace(BASE, optimizer=optimizer, learning_rate=RATES.get(optimizer, 1e-3))
    theirs = reference(network, training)
    assert_close(one(network, training), theirs)
    company = [TrialSpec(network, replace(training, learning_rate=0.002), seed) for seed in (5, 6)]
    assert_close(train([company[0], TrialSpec(network, training, 1), company[1]])[1], theirs)


@pytest.mark.parametrize(
    "network",
    [
        replace(FFN, activation="prelu"),
        replace(FFN, activation="hard_shrink"),
        replace(FFN, activation="hard_swish"),
        replace(FFN, activation="leaky_relu"),
        replace(FFN, activation="linear"),
        replace(FFN, standardize=True),
        replace(FFN, initializer="he_normal"),
        replace(CNN, activation="prelu"),
        replace(CNN, pooling=False, padding=False),
        replace(CNN, standardize=True, dense_activation=False),
    ],
    ids=lambda network: "-".join(
        str(value) for value in vars(network).values() if isinstance(value, (bool, str))
    ),
)
def test_every_kind_of_network_agrees_with_fit(network: NetworkConfig) -> None:
    training = replace(BASE, optimizer="adam", learning_rate=1e-3)
    theirs = reference(network, training)
    assert_close(one(network, training), theirs)
    assert_close(train([TrialSpec(network, training, seed) for seed in (3, 1)])[1], theirs)


@pytest.mark.parametrize(
    ("network", "optimizer"),
    [(FFN, "adam"), (FFN, "sgd"), (FFN, "rmsprop"), (FFN, "nadam"), (CNN, "adam")],
    ids=lambda value: value if isinstance(value, str) else value.features,
)
@pytest.mark.parametrize("decay", [{"l2": 0.1}, {"decoupled_decay": 0.3}], ids=["l2", "decoupled"])
def test_both_decays_agree_with_fit(
    optimizer: Optimizer, decay: dict[str, float], network: NetworkConfig
) -> None:
    plain = replace(BASE, optimizer=optimizer, learning_rate=RATES.get(optimizer, 1e-3))
    training = replace(plain, **decay)
    mixed = train([TrialSpec(network, plain, 1), TrialSpec(network, training, 1)])
    assert_close(mixed[0], reference(network, plain))
    assert_close(mixed[1], reference(network, training))
    assert_close(one(network, training), reference(network, training))


SCHEDULES = [
    ScheduleConfig(kind=kind, stepping=stepping)
    for kind in ("cosine", "one_cycle")
    for stepping in ("epoch", "step")
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: f"{s.kind}-{s.stepping}")
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_every_schedule_agrees_with_fit(optimizer: Optimizer, schedule: ScheduleConfig) -> None:
    training = replace(BASE, optimizer=optimizer, learning_rate=0.01, schedule=schedule, epochs=4)
    theirs = reference(FFN, training)
    assert_close(one(FFN, training), theirs)
    plain = replace(training, schedule=ScheduleConfig())
    assert_close(train([TrialSpec(FFN, plain, 2), TrialSpec(FFN, training, 1)])[1], theirs)


@pytest.mark.parametrize("network", [FFN, CNN], ids=["ffn", "cnn"])
def test_batch_norm_agrees_with_fit(network: NetworkConfig) -> None:
    normal = replace(network, batch_norm=True)
    sgd = replace(BASE, batch_size=15)  # the variance of a last batch of 3 is mostly noise
    theirs = reference(normal, sgd)
    assert_close(one(normal, sgd), theirs)
    assert_close(train([TrialSpec(normal, sgd, seed) for seed in (3, 1)])[1], theirs)

    # The gradient of a bias before a batch norm is 0 but for rounding, which Adam
    # makes steps of: those biases, and the means that follow them, are noise.
    adam = replace(sgd, optimizer="adam", learning_rate=1e-3)
    ours, theirs = one(normal, adam), reference(normal, adam)
    np.testing.assert_allclose(ours.history["loss"], theirs.history["loss"], rtol=1e-4)
    compared = 0
    for ours_, theirs_ in zip(ours.model.weights, theirs.model.weights, strict=True):
        noise = ours_.name == "moving_mean" or (
            ours_.name == "bias" and not ours_.path.startswith("logits")
        )
        if not noise:
            compared += 1
            np.testing.assert_allclose(ours_.numpy(), theirs_.numpy(), rtol=1e-4, atol=1e-5)
    assert compared >= 8


def fresh(values: Any) -> list[np.ndarray]:
    return [np.array(value) for value in values]


@pytest.mark.parametrize("monitor", ["val_macro_f1", "val_loss"])
def test_early_stopping_ends_at_the_epoch_that_fit_ends_at(monitor: Any) -> None:
    training = replace(
        BASE,
        learning_rate=0.5,
        epochs=30,
        early_stopping=EarlyStoppingConfig(patience=2, monitor=monitor),
        keep="best",
    )
    members = [TrialSpec(FFN, training, seed) for seed in range(6)]
    lengths = []
    for member, ours in zip(members, train(members), strict=True):
        theirs = reference(FFN, training, member.seed)
        assert isinstance(ours, TrainingResult)
        assert len(ours.history["loss"]) == len(theirs.history["loss"])
        assert ours.best_epoch == theirs.best_epoch
        assert_close(ours, theirs, rtol=5e-3)  # some stop after 20 epochs of large steps
        lengths.append(len(ours.history["loss"]))
    assert len(set(lengths)) > 2, "they leave one after another"
    assert max(lengths) < 30


def test_the_rate_falls_on_a_plateau_at_the_epochs_of_fit() -> None:
    schedule = ScheduleConfig(kind="reduce_on_plateau", patience=1, factor=0.3)
    training = replace(BASE, learning_rate=0.8, epochs=14, schedule=schedule)
    for optimizer in ("sgd", "rmsprop"):
        chosen = replace(
            training, optimizer=optimizer, learning_rate=0.8 if optimizer == "sgd" else 0.1
        )
        outcomes = train([TrialSpec(FFN, chosen, seed) for seed in range(3)])
        for seed, ours in enumerate(outcomes):
            theirs = reference(FFN, chosen, seed)
            assert isinstance(ours, TrainingResult)
            np.testing.assert_allclose(
                ours.history["learning_rate"], theirs.history["learning_rate"], rtol=1e-6
            )
            assert len(set(ours.history["learning_rate"])) > 1


DROPPED = [
    replace(FFN, dropout=0.3, batch_norm=True),
    replace(CNN, dropout=0.3, filters=(2, 3, 3, 4)),
]


@pytest.mark.parametrize("network", DROPPED, ids=["ffn", "cnn"])
@pytest.mark.parametrize("optimizer", ["adam", pytest.param("adadelta", marks=pytest.mark.slow)])
def test_a_trial_trains_alone_as_in_any_company(
    network: NetworkConfig, optimizer: Optimizer
) -> None:
    training = replace(BASE, optimizer=optimizer, learning_rate=0.01, epochs=5)
    alone = one(network, training, 7)
    company = train(
        [
            TrialSpec(network, replace(training, learning_rate=0.02, epochs=2), 7),
            TrialSpec(replace(network, dropout=0.6), training, 3),
            TrialSpec(network, training, 7),
        ]
    )
    together = company[2]
    assert isinstance(together, TrainingResult)
    np.testing.assert_allclose(together.history["loss"], alone.history["loss"], rtol=1e-4)
    assert not np.allclose(company[1].history["loss"], alone.history["loss"], rtol=1e-2)


@pytest.mark.parametrize("network", DROPPED, ids=["ffn", "cnn"])
def test_the_same_cohort_twice_is_bit_identical(network: NetworkConfig) -> None:
    training = replace(BASE, optimizer="adam", learning_rate=0.01, l2=1e-3)
    members = [TrialSpec(network, replace(training, epochs=epochs), 1) for epochs in (1, 3, 3)]
    first, second = train(members), train(members)
    for a, b in zip(first, second, strict=True):
        assert isinstance(a, TrainingResult)
        assert isinstance(b, TrainingResult)
        assert a.history == b.history
        for x, y in zip(a.model.get_weights(), b.model.get_weights(), strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("network", "optimizer"),
    [
        *((network, "adam") for network in DROPPED),
        *(pytest.param(network, "sgd", marks=pytest.mark.slow) for network in DROPPED),
        pytest.param(replace(FFN, batch_norm=True), "nadam", marks=pytest.mark.slow),
    ],
)
def test_a_member_that_diverges_changes_no_other(
    network: NetworkConfig, optimizer: Optimizer
) -> None:
    training = replace(BASE, optimizer=optimizer, learning_rate=0.01, epochs=4)
    others = [TrialSpec(network, training, seed) for seed in (1, 2)]

    def beside(middle: float) -> list[Outcome]:
        member = TrialSpec(network, replace(training, learning_rate=middle), 9)
        return train([others[0], member, others[1]])

    sound, broken = beside(0.02), beside(1e30)
    assert isinstance(broken[1], TrainingResult)
    assert broken[1].status == "diverged"
    assert len(broken[1].history["loss"]) < 4
    assert not np.isfinite(broken[1].history["loss"][-1] + broken[1].history["val_loss"][-1])
    for number in (0, 2):
        a, b = sound[number], broken[number]
        assert isinstance(a, TrainingResult)
        assert isinstance(b, TrainingResult)
        assert a.history == b.history, "bit for bit"
        for x, y in zip(a.model.get_weights(), b.model.get_weights(), strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("network", "batch_size"), [*((FFN, size) for size in (1, 2, 44, 45, 512)), (CNN, 44)]
)
def test_every_batch_size_agrees_with_fit(network: NetworkConfig, batch_size: int) -> None:
    training = replace(BASE, batch_size=batch_size, learning_rate=0.01, epochs=2)
    theirs = reference(network, training)
    assert_close(one(network, training), theirs)
    assert_close(train([TrialSpec(network, training, seed) for seed in (2, 1)])[1], theirs)


class Meddler(keras.callbacks.Callback):
    """Does at some epoch what a user's callback may do."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.seen: list[list[np.ndarray]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.calls.append("train begins")
        assert self.params["epochs"] == 6
        assert self.params["steps"] == 7

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(f"epoch {epoch} begins")
        if epoch == 1:
            self.model.optimizer.learning_rate = 0.01

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(f"epoch {epoch} ends")
        self.seen.append(fresh(self.model.get_weights()))
        if epoch == 2:
            self.model.set_weights([0.5 * weight for weight in self.model.get_weights()])
        if epoch == 3:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        self.calls.append("train ends")
        assert logs
        assert "loss" in logs


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_users_callback_works_as_in_fit(optimizer: Optimizer) -> None:
    training = replace(BASE, optimizer=optimizer, learning_rate=0.02, epochs=6)
    theirs_callback = Meddler()
    theirs = reference(FFN, training, callbacks=(theirs_callback,))
    ours_callback = Meddler()
    outcomes = train(
        [TrialSpec(FFN, training, seed) for seed in (1, 2)],
        callbacks=lambda number: [] if number else [ours_callback],
    )
    assert ours_callback.calls == theirs_callback.calls
    assert_close(outcomes[0], theirs)
    for a, b in zip(ours_callback.seen, theirs_callback.seen, strict=True):
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)
    assert isinstance(outcomes[1], TrainingResult)
    assert len(outcomes[1].history["loss"]) == 6
    assert_close(outcomes[1], reference(FFN, training, 2))


def test_keras_own_callbacks_work() -> None:
    training = replace(BASE, epochs=4)
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    outcomes = train(
        [TrialSpec(FFN, training, seed) for seed in (1, 2)],
        callbacks=lambda number: [] if number else [halving],
    )
    assert isinstance(outcomes[0], TrainingResult)
    assert outcomes[0].history["learning_rate"] == pytest.approx(
        [0.05 * 0.5 ** (i + 1) for i in range(4)]
    )


def test_keras_early_stopping_restores_the_best_weights() -> None:
    training = replace(BASE, optimizer="adam", learning_rate=0.05, epochs=20)

    def stopping() -> keras.callbacks.Callback:
        return keras.callbacks.EarlyStopping(
            monitor="val_loss", mode="min", patience=2, restore_best_weights=True
        )

    theirs = reference(FFN, training, callbacks=(stopping(),))
    best = int(np.argmin(theirs.history["val_loss"])) + 1
    assert best < len(theirs.history["loss"]) < 20
    for count in (1, 2):
        outcomes = train(
            [TrialSpec(FFN, training, 1 + i) for i in range(count)],
            callbacks=lambda _: [stopping()],
        )
        assert_close(outcomes[0], theirs)


class Raises(keras.callbacks.Callback):
    def __init__(self, hook: str) -> None:
        super().__init__()
        self.hook = hook

    def _raise(self, hook: str) -> None:
        if hook == self.hook:
            raise OSError("no space left\non the disk")

    def on_train_begin(self, logs: Any = None) -> None:
        self._raise("on_train_begin")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._raise("on_epoch_begin")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._raise("on_epoch_end")

    def on_train_end(self, logs: Any = None) -> None:
        self._raise("on_train_end")


@pytest.mark.parametrize(
    "hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"]
)
def test_a_callback_that_raises_ends_its_member_alone(hook: str) -> None:
    order: list[int] = []
    outcomes = train(
        [TrialSpec(FFN, BASE, seed) for seed in (1, 2, 3)],
        callbacks=lambda number: [Raises(hook)] if number == 1 else [],
        on_end=lambda number, outcome: order.append(number),
    )
    assert isinstance(outcomes[1], FailedTrial)
    assert outcomes[1].reason == "no space left"
    assert "_raise" in outcomes[1].traceback
    assert sorted(order) == [0, 1, 2]
    assert_close(outcomes[0], reference(FFN, BASE, 1))
    assert_close(outcomes[2], reference(FFN, BASE, 3))


def test_callbacks_for_every_batch_are_refused() -> None:
    class EachBatch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            """Never called."""

    (outcome,) = train([TrialSpec(FFN, BASE, 1)], callbacks=lambda _: [EachBatch()])
    assert isinstance(outcome, FailedTrial)
    assert "EachBatch has on_train_batch_end" in outcome.reason


def test_members_that_are_left_move_closer_together() -> None:
    """Cohorts shrink from 6 to 3 to 1 places; nobody's weights get lost or mixed up."""
    members = [
        TrialSpec(FFN, replace(BASE, optimizer="adam", learning_rate=0.01, epochs=e), seed)
        for seed, e in enumerate((2, 5, 2, 3, 7, 2))
    ]
    ended: list[tuple[int, int]] = []
    outcomes = train(
        members,
        on_end=lambda number, outcome: ended.append((len(outcome.epoch_seconds), number)),
    )
    assert ended == sorted(ended)
    for member, outcome in zip(members, outcomes, strict=True):
        assert isinstance(outcome, TrainingResult)
        assert len(outcome.epoch_seconds) == member.training.epochs
        for variable in outcome.model.variables:
            assert variable.value.untyped_storage().nbytes() == variable.value.nbytes, "its own"
        assert_close(outcome, reference(FFN, member.training, member.seed))


def test_kept_models_save_without_the_optimizer(tmp_path: Any) -> None:
    from networks.inference import load_model, logits_of

    for count in (1, 2):
        outcomes = train([TrialSpec(FFN, replace(BASE, optimizer="adam"), s) for s in range(count)])
        ours = outcomes[-1]
        assert isinstance(ours, TrainingResult)
        ours.model.save(tmp_path / "ours.keras")
        theirs = reference(FFN, replace(BASE, optimizer="adam"), count - 1)
        theirs.model.save(tmp_path / "theirs.keras")
        sizes = [(tmp_path / name).stat().st_size for name in ("ours.keras", "theirs.keras")]
        assert sizes[0] <= sizes[1] + 200
        again = load_model(tmp_path / "ours.keras", FFN, CLASSES)
        features = rows("mfcc").features
        np.testing.assert_array_equal(logits_of(again, features), logits_of(ours.model, features))


def test_what_cannot_train_in_lockstep_is_refused() -> None:
    from networks.errors import ConfigError

    for other in (
        TrialSpec(replace(FFN, hidden=(5,)), BASE, 1),
        TrialSpec(FFN, replace(BASE, optimizer="adam"), 1),
        TrialSpec(FFN, replace(BASE, batch_size=8), 1),
        TrialSpec(replace(FFN, dropout=0.5), BASE, 1),
    ):
        with pytest.raises(ConfigError, match="Received 2 kinds among 2 trials"):
            train([TrialSpec(FFN, BASE, 1), other])
    with pytest.raises(ConfigError, match="tf32 needs a CUDA device"):
        one(FFN, BASE, precision="tf32")


def test_bfloat16_is_near_float32() -> None:
    for network in (FFN, CNN):
        training = replace(BASE, optimizer="adam", learning_rate=1e-3)
        exact, coarse = one(network, training), one(network, training, precision="bfloat16")
        assert exact.history["loss"] != coarse.history["loss"]
        np.testing.assert_allclose(coarse.history["loss"], exact.history["loss"], rtol=0.1)
        assert all(w.dtype == np.float32 for w in coarse.model.get_weights())


def test_a_failure_with_an_endless_message_is_cut() -> None:
    failed = FailedTrial.of(ValueError("x" * 10**7))
    assert len(failed.reason) == 2000
    assert len(failed.traceback) == 100_000


def uneven(kind: str) -> LabelledRows:
    """Rows with 15, 8 and 3 of the classes."""
    even = rows(kind)
    few = np.concatenate([np.flatnonzero(even.label == k)[: (15, 8, 3)[k]] for k in range(CLASSES)])
    return LabelledRows(even.features[few], even.label[few])


@pytest.mark.parametrize(
    ("network", "optimizer", "batch_size"),
    [
        *(
            (FFN, optimizer, batch_size)
            for optimizer in ("sgd", "adam", "rmsprop")
            for batch_size in (7, 13, 64)
        ),
        (CNN, "adam", 13),
    ],
)
def test_class_weights_agree_with_fit(
    network: NetworkConfig, optimizer: Optimizer, batch_size: int
) -> None:
    train_rows, validation = uneven(network.features), rows(network.features, 24, 2)
    plain = replace(BASE, optimizer=optimizer, learning_rate=1e-3, batch_size=batch_size)
    trainings = (plain, replace(plain, class_weights="balanced"))
    theirs = [
        fit_with_keras(
            build_model(network, CLASSES, 1, train_rows.features),
            training,
            1,
            train_rows,
            validation,
            CLASSES,
        )
        for training in trainings
    ]
    assert not np.allclose(theirs[0].history["loss"], theirs[1].history["loss"], rtol=1e-3)
    trials = [TrialSpec(network, training, 1) for training in trainings]
    (alone,) = train_cohort(trials[1:], train_rows, validation, CLASSES)
    plain_beside, beside = train_cohort(trials, train_rows, validation, CLASSES)
    assert_close(alone, theirs[1])
    assert_close(beside, theirs[1])
    assert_close(plain_beside, theirs[0])


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    label = uneven("mfcc").label
    expected = compute_class_weight("balanced", classes=np.arange(CLASSES), y=label)
    balanced = replace(BASE, class_weights="balanced")
    np.testing.assert_allclose(class_weights(balanced, label, CLASSES), expected)
