"""Networks that functions of users build: named, hashed, imported only when they are built."""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from networks import ConfigError, CustomConfig, FFNConfig, TrainingConfig, build_model
from networks.engine.fallback import FALLBACK, train_trials
from networks.engine.trial_state import EpochScores, TrialSpec
from networks.models.config import network_from_dict, to_dict
from networks.training.cohort_key import cohort_key
from networks.training.results import LabelledRows, TrainingResult
from tests.conftest import small_dataset

SOURCE = """
import keras

def build(input_shape, classes, units=8, softmax=False):
    inputs = keras.Input(input_shape)
    x = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(inputs))
    outputs = keras.layers.Dense(classes, activation="softmax" if softmax else None)(x)
    return keras.Model(inputs, outputs)

def other_shape(input_shape, classes):
    return build(input_shape, classes + 1)

def fails(input_shape, classes):
    raise KeyError("a mistake")

def no_model(input_shape, classes):
    return 3
"""
SGD = TrainingConfig("sgd", 0.05, epochs=3)


@pytest.fixture
def module(tmp_path: Path) -> str:
    """Name of a module in `tmp_path`."""
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    return name


def rows() -> tuple[LabelledRows, LabelledRows]:
    music = small_dataset(mel=False)
    train, validation = music.train, music.validation
    return LabelledRows(train.mfcc, train.label), LabelledRows(validation.mfcc, validation.label)


def test_a_config_names_a_function_and_its_source(module: str, tmp_path: Path) -> None:
    config = CustomConfig.from_name(f"{module}:build", tmp_path, units=4, names=["a", "b"])
    assert module not in sys.modules
    assert network_from_dict(to_dict(config)) == config
    assert hash(config) == hash(
        CustomConfig.from_name(f"{module}:build", tmp_path, **dict(config.options))
    )
    assert config.options == (("names", ("a", "b")), ("units", 4))
    path = tmp_path / f"{module}.py"
    path.write_text(SOURCE + "# changed")
    assert CustomConfig.from_name(f"{module}:build", tmp_path).sha256 != config.sha256
    with pytest.raises(ConfigError, match="has changed since this network was planned"):
        config.load_function()


def test_it_builds_equal_models_for_equal_seeds(module: str, tmp_path: Path) -> None:
    config = CustomConfig.from_name(f"{module}:build", tmp_path, "mel", units=4)
    first, again, other = (build_model(config, 3, seed) for seed in (5, 5, 6))
    assert first.input_shape == (None, 21, 128)
    assert first.layers[-2].units == 4
    np.testing.assert_array_equal(first.get_weights()[0], again.get_weights()[0])
    assert np.abs(first.get_weights()[0] - other.get_weights()[0]).max() > 0.01
    assert CustomConfig.of(config.load_function(), "mel", units=4) == config


def test_its_trials_train_in_lockstep(module: str, tmp_path: Path) -> None:
    config = CustomConfig.from_name(f"{module}:build", tmp_path)
    assert cohort_key(config, SGD)[0] == config
    notes = list[str]()
    found = train_trials(
        [TrialSpec(config, SGD, s) for s in (1, 2)], *rows(), 3, report=notes.append
    )
    assert notes == []
    alone = train_trials([TrialSpec(config, SGD, 2)], *rows(), 3)
    assert isinstance(found[1], TrainingResult)
    assert isinstance(alone[0], TrainingResult)
    np.testing.assert_allclose(found[1].history["loss"], alone[0].history["loss"], rtol=1e-4)


def test_what_cannot_be_traced_trains_in_keras_and_stops_when_asked(
    module: str, tmp_path: Path
) -> None:
    config = CustomConfig.from_name(f"{module}:build", tmp_path, softmax=True)
    trials = [TrialSpec(config, SGD, seed) for seed in (1, 2)]
    epochs, ended, notes = list[tuple[int, int]](), list[int](), list[str]()

    def on_epoch(number: int, seconds: float, scores: Any) -> None:
        (score,) = scores
        assert isinstance(score, EpochScores)
        assert score.confusion.sum() == 24
        assert {"loss", "val_loss", "val_macro_f1"} <= score.logs.keys()
        epochs.append((score.index, number))

    found = train_trials(
        trials,
        *rows(),
        3,
        on_epoch=on_epoch,
        on_end=lambda index, outcome: ended.append(index),
        after_epoch=lambda number, capture: capture is None and len(epochs) == 5,
        report=notes.append,
    )
    assert epochs == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]
    assert ended == [0]
    first, second = found
    assert isinstance(first, TrainingResult)
    assert second is None
    assert list(first.notes) == notes
    assert notes[0].startswith(f"{FALLBACK}: the model ends in softmax")


def test_an_error_of_a_caller_ends_the_training(module: str, tmp_path: Path) -> None:
    def fail(*_: Any) -> bool:
        raise OSError("the disk is full")

    config = CustomConfig.from_name(f"{module}:build", tmp_path, softmax=True)
    with pytest.raises(OSError, match="the disk is full"):
        train_trials([TrialSpec(config, SGD, 0)], *rows(), 3, after_epoch=fail)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("other_shape", r"shape \(n, 3\), a value a genre. Received: \('n', 4\)"),
        ("no_model", "must be a Keras model. Received: 3"),
        ("nothing", "cannot be loaded from .*: AttributeError"),
    ],
)
def test_functions_that_build_no_network(
    module: str, tmp_path: Path, function: str, words: str
) -> None:
    config = CustomConfig.from_name(f"{module}:{function}", tmp_path)
    with pytest.raises(ConfigError, match=words):
        build_model(config, 3)


def test_no_module_hides_it_and_it_hides_none(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text(SOURCE)
    config = CustomConfig.from_name("json:build", tmp_path)
    assert build_model(config, 3).output_shape == (None, 3)
    assert "tmp" not in str(sys.modules["json"].__file__)


def test_a_copy_is_the_same_network(module: str, tmp_path: Path) -> None:
    config = CustomConfig.from_name(f"{module}:build", tmp_path, units=3)
    copy = config.copied(tmp_path / "copies")
    (tmp_path / f"{module}.py").write_text("changed")
    assert copy == config
    assert build_model(copy, 3).layers[-2].units == 3
    with pytest.raises(ConfigError, match="has changed meanwhile"):
        config.copied(tmp_path / "others")


@pytest.mark.parametrize("function", [lambda *_: None, keras.layers.Dense.call, print, 3])
def test_functions_that_other_processes_cannot_import(function: Any) -> None:
    with pytest.raises(ConfigError, match="must stand at the top level of a file"):
        CustomConfig.of(function)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"build": "my_model"}, "file:function"),
        ({"build": "a:b", "features": "wav"}, "one of 'mfcc', 'mel'"),
        ({"build": "a:b", "options": {"f": print}}, "options must be"),
        ({"build": "a:b", "sha256": "0"}, "64 hexadecimal digits"),
        ({"build": "a:b", "hidden": [3]}, "no field 'hidden'"),
    ],
)
def test_damaged_configs(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        network_from_dict({"kind": "custom"} | fields)
    with pytest.raises(ConfigError, match=r"nothing\.py cannot be read"):
        CustomConfig.from_name("nothing:build", Path())
    assert network_from_dict(to_dict(FFNConfig())) == FFNConfig()
