"""`fit`, `fit_many` and `evaluate`: the engine's results, and Keras's where it cannot."""

import doctest
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import sklearn.metrics
import torch

import networks
from data.datasets.dataset import Dataset
from networks import CNNConfig, ConfigError, FFNConfig, TrainingConfig, api, evaluate, fit, fit_many
from networks.engine.cohort import FailedTrial, Outcome, TrialSpec, train_cohort
from networks.errors import NotFiniteError
from networks.inference import load_model, save_model
from networks.models.build import build_model
from networks.training.keras_fit import fit_with_keras
from networks.training.results import LabelledRows, TrainingResult
from tests.conftest import small_dataset

MUSIC = small_dataset()
SGD = TrainingConfig("sgd", 0.05, epochs=2, batch_size=7)
FFN = FFNConfig(hidden=(8,), dropout=0.2, batch_norm=True, standardize=True)
CNN = CNNConfig(filters=(2, 3), kernel_size=3, dense=(6,))


def rows(kind: str) -> tuple[LabelledRows, LabelledRows]:
    train, validation = MUSIC.train, MUSIC.validation
    return (
        LabelledRows(getattr(train, kind), train.label),
        LabelledRows(getattr(validation, kind), validation.label),
    )


def assert_same(ours: Outcome | None, theirs: Outcome | None) -> None:
    assert isinstance(ours, TrainingResult)
    assert isinstance(theirs, TrainingResult)
    assert ours.history == theirs.history
    assert (ours.status, ours.best_epoch) == (theirs.status, theirs.best_epoch)
    for a, b in zip(ours.model.get_weights(), theirs.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("network", [FFN, CNN])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_fit_is_what_the_engine_gives(network: FFNConfig | CNNConfig, optimizer: Any) -> None:
    training = replace(SGD, optimizer=optimizer, keep="best")
    (expected,) = train_cohort([TrialSpec(network, training, 5)], *rows(network.features), 3)
    trained = fit(network, training, MUSIC, seed=5)
    assert_same(trained, expected)
    assert trained.notes == ()
    assert len(trained.history["val_macro_f1"]) == 2


def test_fit_many_trains_cohorts_and_keeps_the_order() -> None:
    other = replace(SGD, batch_size=5)
    mixed = [(FFN, SGD, 0), (CNN, SGD, 0), (FFN, other, 0), (FFN, SGD, 1)]
    found = fit_many(mixed, MUSIC)
    expected = train_cohort([TrialSpec(FFN, SGD, 0), TrialSpec(FFN, SGD, 1)], *rows("mfcc"), 3)
    assert_same(found[0], expected[0])
    assert_same(found[3], expected[1])
    assert_same(found[1], fit(CNN, SGD, MUSIC))
    assert_same(found[2], fit(FFN, other, MUSIC))


def test_rows_whose_outputs_are_not_finite_are_not_scored() -> None:
    def with_large_row(split: str) -> Dataset:
        rows = getattr(MUSIC, split)
        mfcc = rows.mfcc.copy()
        mfcc[3] = 3e38  # finite in float32, but not its products
        return replace(MUSIC, **{split: replace(rows, mfcc=mfcc)})

    network = FFNConfig(hidden=(8,))
    trained = fit(network, SGD, MUSIC)
    with pytest.raises(NotFiniteError, match=r"Row 3 \(counted from 0\).* is 3e\+38, gives NaN"):
        evaluate(trained, with_large_row("test").test)
    for split in ("train", "validation"):
        assert fit(network, SGD, with_large_row(split)).status == "diverged"


class Interrupt(keras.callbacks.Callback):  # type: ignore[misc]
    """Ctrl-C at the end of the first epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        raise KeyboardInterrupt


class InterruptBatch(keras.callbacks.Callback):  # type: ignore[misc]
    """Ctrl-C in the second batch, which `keras.Model.fit` trains."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if batch == 1:
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore:trained by keras.Model.fit")
@pytest.mark.parametrize("callback", [Interrupt, InterruptBatch])
def test_an_interrupted_model_can_be_trained_on(callback: Callable[[], Any]) -> None:
    model = build_model(FFNConfig(hidden=(8,)), 3)
    before = model.get_weights()
    with pytest.raises(KeyboardInterrupt):
        fit(model, SGD, MUSIC, callbacks=[callback()])
    assert not model.compiled
    assert model.optimizer is None
    assert not all(map(np.array_equal, before, model.get_weights())), "it has been trained"
    again = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    assert_same(fit(model, SGD, MUSIC), fit(again, SGD, MUSIC))


def test_a_model_whose_callback_raises_is_not_left_compiled() -> None:
    class Broken(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            raise ValueError("mine")

    model = build_model(FFNConfig(hidden=(8,)), 3)
    with pytest.raises(RuntimeError, match="mine"):
        fit(model, SGD, MUSIC, callbacks=[Broken()])
    assert not model.compiled


def test_evaluate_against_scikit_learn(tmp_path: Path) -> None:
    trained = fit(FFN, SGD, MUSIC, seed=1)
    found = evaluate(trained, MUSIC.test)
    predicted, label = found.probabilities.argmax(axis=1), MUSIC.test.label
    assert found.accuracy == pytest.approx(sklearn.metrics.accuracy_score(label, predicted))
    score = sklearn.metrics.f1_score(label, predicted, average="macro", zero_division=0)
    assert found.macro_f1 == pytest.approx(score)
    matrix = sklearn.metrics.confusion_matrix(label, predicted)
    np.testing.assert_array_equal(found.confusion_matrix, matrix)
    assert found.classes.support.tolist() == [8, 8, 8]
    assert evaluate(trained.model, MUSIC.test).macro_f1 == found.macro_f1
    save_model(trained.model, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", FFN, 3)
    assert evaluate(loaded, MUSIC.test).macro_f1 == found.macro_f1


def test_a_keras_model_trains_on_the_engine_as_its_config_does() -> None:
    model = build_model(FFN, 3, 5, MUSIC.train.mfcc)
    trained = fit(model, SGD, MUSIC, seed=5)
    assert trained.model is model
    assert trained.notes == ()
    assert not model.compiled
    assert_same(trained, fit(FFN, SGD, MUSIC, seed=5))


def make(shape: tuple[int, ...], classes: int) -> keras.Model:
    inputs = keras.Input(shape)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dropout(0.1)(keras.layers.Dense(8, "tanh")(x))
    return keras.Model(inputs, keras.layers.Dense(classes)(x))


@pytest.mark.parametrize(("features", "inputs"), [(None, 26), ("mel", 21 * 128)])
def test_a_function_builds_a_model_for_each_seed(features: Any, inputs: int) -> None:
    found = fit_many([(make, SGD, seed) for seed in (0, 1, 0)], MUSIC, features=features)
    models = [outcome.model for outcome in found if isinstance(outcome, TrainingResult)]
    assert [model.get_weights()[0].shape for model in models] == [(inputs, 8)] * 3
    first, second, again = (model.get_weights()[0] for model in models)
    np.testing.assert_allclose(first, again, rtol=1e-5)
    assert np.abs(first - second).max() > 0.01


class OwnStep(keras.Model):  # type: ignore[misc]
    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class Unbatchable(keras.layers.Layer):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        if isinstance(inputs, torch.Tensor) and inputs.device.type != "meta":
            return inputs * float(inputs.detach().mean().item() > -1e9)
        return inputs


def _model(*layers: Any, kind: type[keras.Model] = keras.Model) -> keras.Model:
    inputs = x = keras.Input((26,))
    for layer in layers or (keras.layers.Dense(3),):
        x = layer(x)
    return kind(inputs, x)


def _compiled() -> keras.Model:
    model = _model()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Lion(0.001), loss=loss)
    return model


def _dense(**options: Any) -> Any:
    return keras.layers.Dense(3, **options)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("model", "words"),
    [
        (_compiled, "is compiled"),
        (lambda: _model(kind=OwnStep), "a train_step of its own"),
        (lambda: _model(_dense(activation="softmax")), "ends in softmax"),
        (lambda: _model(_dense(), keras.layers.Softmax()), "ends in softmax"),
        (lambda: _model(_dense(kernel_regularizer="l2")), "regularizers"),
        (lambda: _model(keras.layers.GaussianNoise(0.1), _dense()), "draws random numbers"),
        (
            lambda: _model(keras.layers.Dropout(0.1), _dense(), keras.layers.Dropout(0.2)),
            r"rates differ \(0.1, 0.2\)",
        ),
        (lambda: _model(Unbatchable(), _dense()), "could not be traced"),
    ],
)
def test_what_the_engine_cannot_take_trains_in_keras(
    model: Callable[[], keras.Model], words: str
) -> None:
    keras.utils.set_random_seed(0)
    made, reference = model(), model()
    reference.set_weights(made.get_weights())
    with pytest.warns(UserWarning, match=f"trained by keras.Model.fit.*{words}"):
        trained = fit(made, SGD, MUSIC, seed=3)
    assert trained.model is made
    (note,) = trained.notes
    assert note.startswith("trained by keras.Model.fit, not by the traced engine: ")
    assert {"loss", "val_loss", "val_macro_f1", "val_accuracy"} <= trained.history.keys()
    assert trained.status == "finished"
    assert 0 <= evaluate(trained, MUSIC.test).accuracy <= 1
    if "random" not in words and "rates" not in words:
        theirs = fit_with_keras(reference, SGD, 3, *rows("mfcc"), 3)
        np.testing.assert_allclose(trained.history["loss"], theirs.history["loss"], rtol=1e-4)


def test_softmax_and_logits_are_the_same_training() -> None:
    keras.utils.set_random_seed(0)
    logits, softmax = _model(_dense()), _model(_dense(activation="softmax"))
    softmax.set_weights(logits.get_weights())
    with pytest.warns(UserWarning, match="softmax"):
        theirs = fit(softmax, SGD, MUSIC)
    ours = fit(logits, SGD, MUSIC)
    for name in ("loss", "val_loss", "val_macro_f1"):
        np.testing.assert_allclose(ours.history[name], theirs.history[name], rtol=1e-4)
    np.testing.assert_allclose(
        evaluate(ours, MUSIC.test).probabilities,
        evaluate(theirs, MUSIC.test).probabilities,
        atol=1e-5,
    )


def test_callbacks_of_epochs_go_through_the_engine_those_of_batches_through_keras() -> None:
    epochs, batches = list[int](), list[int]()
    on_epoch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    trained = fit(FFN, SGD, MUSIC, callbacks=[on_epoch])
    assert (epochs, trained.notes) == ([0, 1], ())
    on_batch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(batch)
    )
    with pytest.warns(UserWarning, match="a callback has on_train_batch_end"):
        theirs = fit(FFN, SGD, MUSIC, callbacks=[on_batch])
    assert batches == [*range(7), *range(7)]
    assert "called for every batch" in theirs.notes[0]
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1)
    assert len(fit(FFN, replace(SGD, epochs=5), MUSIC, callbacks=[stop]).history["loss"]) == 2


def test_a_callback_that_raises_ends_its_trial() -> None:
    def fail(*_: Any) -> None:
        raise KeyError("a mistake")

    def callbacks(index: int) -> list[keras.callbacks.Callback]:
        return [keras.callbacks.LambdaCallback(on_epoch_end=fail)] if index else []

    with pytest.raises(RuntimeError, match="a mistake") as caught:
        fit(FFN, SGD, MUSIC, callbacks=callbacks(1))
    assert "in fail" in caught.value.__notes__[0]
    kept, failed = fit_many([(FFN, SGD, 0), (FFN, SGD, 1)], MUSIC, callbacks=callbacks)
    assert isinstance(kept, TrainingResult)
    assert isinstance(failed, FailedTrial)


WITHOUT_MEL = small_dataset(mel=False)


@pytest.mark.parametrize(
    ("network", "music", "options", "words"),
    [
        (FFN, "demo", {}, "as data.load_dataset gives them. Received: 'demo'"),
        ("ffn", MUSIC, {}, "network must be a config, such as FFNConfig.*. Received: 'ffn'"),
        (CNN, WITHOUT_MEL, {}, "reads mel features, which these rows do not have"),
        (FFN, MUSIC, {"device": "tpu"}, "device must be 'cpu'"),
        (FFNConfig, MUSIC, {}, "network must be a config.*or a function that builds one. Received"),
        (lambda shape: None, MUSIC, {}, r"is called with \(input_shape, classes\)"),
        (FFN, MUSIC, {"training": "adam"}, "must be a TrainingConfig, such.*Received: 'adam'"),
        (FFN, MUSIC, {"training": None}, "training must be a TrainingConfig.*Received: None"),
        (FFN, MUSIC, {"callbacks": 3}, "callbacks must be a list of Keras callbacks. Received: 3"),
        (FFN, MUSIC, {"callbacks": [3]}, r"must be a list of Keras callbacks. Received: \[3\]"),
        (FFN, MUSIC, {"seed": -1}, "seed must be a whole number, at least 0. Received: -1"),
        (FFN, MUSIC, {"seed": 1.5}, "seed must be a whole number, at least 0. Received: 1.5"),
        (FFN, MUSIC, {"seed": True}, "seed must be a whole number, at least 0. Received: True"),
        (FFN, MUSIC, {"precision": "x"}, "precision must be one of 'float32', .* Received: 'x'"),
        (FFN, MUSIC, {"features": "x"}, "features must be one of 'mfcc', 'mel', or None"),
        (FFN, MUSIC, {"features": "mel"}, "this FFNConfig reads 'mfcc': leave it out. Received"),
        (FFN, MUSIC, {"precision": "tf32"}, "tf32 needs a CUDA device"),
        (lambda *_: _model(_dense(), _dense(), keras.layers.Dense(4)), MUSIC, {}, r"\(n, 3\), a"),
        (lambda shape, _: make((7,), 3), MUSIC, {"features": None}, r"rows of the shape \(26,\)"),
    ],
)
def test_bad_input_is_one_sentence(
    network: Any, music: Dataset, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        fit(network, **{"training": SGD, "data": music} | options)


@pytest.mark.parametrize(
    ("trials", "options", "words"),
    [
        (5, {}, r"trials must be a list of triples \(network, training, seed\).*Received: 5"),
        ([FFN], {}, r"trials must be triples \(network, training, seed\).*Received: FFNConfig"),
        ((FFN, SGD, 0), {}, "trials must be triples.*Received: FFNConfig"),
        ([(FFN, SGD)], {}, "trials must be triples"),
        ([(FFN, SGD, 0)], {"callbacks": 3}, "must be a function that gives .*Received: 3"),
        ([(FFN, SGD, 0)], {"callbacks": []}, r"must be a function that gives .*Received: \[\]"),
        ([(FFN, SGD, 0)], {"callbacks": lambda _: [3]}, "must be a list of Keras callbacks"),
    ],
)
def test_wrong_trials_are_one_sentence(trials: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        fit_many(trials, MUSIC, **options)


@pytest.mark.parametrize(
    ("model", "split", "features", "words"),
    [
        (None, MUSIC.test, None, "what fit or load_model returned, or .* Received: None"),
        ("x", MUSIC.test, None, "what fit or load_model returned, or .* Received: 'x'"),
        ("ffn", MUSIC, None, r"a split must have .*such as music\.test .*Received: <Dataset"),
        ("ffn", "test", None, r"a split must have .*such as music\.test .*Received: 'test'"),
        ("ffn", MUSIC.test, "mel", r"rows of the shape \(21, 128\). Received one that fails"),
        ("ffn", MUSIC.test, "x", "features must be one of 'mfcc', 'mel', or None. Received: 'x'"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence(
    model: Any, split: Any, features: Any, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        evaluate(build_model(FFN, 3) if model == "ffn" else model, split, features=features)


def test_seeds_of_any_size_train_configs_and_functions() -> None:
    one_epoch = replace(SGD, epochs=1)
    found = fit_many([(FFN, one_epoch, 2**70), (make, one_epoch, 2**70)], MUSIC)
    assert all(isinstance(outcome, TrainingResult) for outcome in found)


def test_a_model_must_say_what_it_reads() -> None:
    with pytest.raises(ConfigError, match=r"must read rows of the shape \(26,\)\. Received one"):
        fit(make((7,), 3), SGD, MUSIC)
    with pytest.raises(ConfigError, match=r"Received: \(7, 7, 7\)\. Name what it reads"):
        fit(make((7, 7, 7), 3), SGD, MUSIC)
    unbuilt = keras.Sequential([keras.layers.Dense(3)])
    with pytest.raises(ConfigError, match="one that is not built"):
        fit(unbuilt, SGD, MUSIC)
    trained = fit(unbuilt, SGD, MUSIC, features="mfcc")
    assert trained.notes == ()
    with pytest.raises(ConfigError, match=r"tells 2 genres apart. Received: labels up to 2"):
        evaluate(make((26,), 2), MUSIC.test)


def test_importing_is_lazy() -> None:
    script = (
        "import sys, networks; assert not {'keras', 'torch', 'numpy'} & set(sys.modules); "
        "from networks import FFNConfig, TrainingConfig, ConfigError; "
        "assert not {'keras', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        networks.nonsense  # noqa: B018


@pytest.mark.parametrize("name", networks.__all__)
def test_examples_of_the_documentation_run(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    music = small_dataset()
    four = replace(
        music,
        genres=(*music.genres, "folk"),
        train=replace(music.train, label=np.arange(48) % 4),
    )
    monkeypatch.setattr("data.load_dataset", lambda _: four, raising=False)
    monkeypatch.chdir(tmp_path)
    public = getattr(networks, name)
    assert public.__doc__
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder(recurse=False).find(public, name, globs={}):
        assert test.examples or name == "ConfigError"
        assert runner.run(test).failed == 0
    assert api.fit is networks.fit
