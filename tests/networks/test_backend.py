"""Keras runs on torch, whatever the user's variable and keras.json say, or is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

TRAIN = """
from networks import FFNConfig, build_model
import keras
print(keras.backend.backend(), build_model(FFNConfig(hidden=(2,)), 4).count_params())
"""


def _run(
    script: str, tmp_path: Path, arguments: Sequence[object] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment | {"KERAS_HOME": str(tmp_path)} | variables,
    )


def test_keras_runs_on_torch_whatever_its_file_says(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text(json.dumps({"backend": "jax"}))
    done = _run(TRAIN, tmp_path)
    assert (done.stdout, done.stderr) == ("torch 66\n", "")


TRAIN_AND_LOAD = """
import sys, warnings
from networks import CNNConfig, FFNConfig, TrainingConfig, evaluate, fit, load_model
import keras
from tests.conftest import small_dataset
warnings.simplefilter("ignore")
print(keras.config.floatx(), keras.config.epsilon(), keras.config.image_data_format())
if sys.argv[2:]:
    keras.config.set_dtype_policy(sys.argv[2])
music, training = small_dataset(), TrainingConfig("adam", 1e-3, epochs=2)
cnn = CNNConfig((2, 3), dense=(4,), standardize=True, batch_norm=True, dropout=0.1)
for network in (FFNConfig((3,), standardize=True), cnn):
    for callbacks in ((), [keras.callbacks.LambdaCallback(on_batch_end=lambda *_: None)]):
        trained = fit(network, training, music, callbacks=callbacks)
        trained.model.save(sys.argv[1])
        loaded = load_model(sys.argv[1], network, len(music.genres))
        saved = keras.saving.load_model(sys.argv[1])
        for model in (trained, loaded, saved):
            print(repr(evaluate(model, music.test).probabilities.sum(axis=0)))
def small(input_shape, classes):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Dense(classes)])
print(fit(small, training, music, features="mfcc").history["val_loss"])
"""


FLOAT16 = {"floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}


@pytest.mark.parametrize(
    ("config", "policy", "first"),
    [
        (FLOAT16, [], "float16 0.1 channels_first"),
        pytest.param(  # a policy that a script has chosen
            None, ["mixed_bfloat16"], "float32 1e-07 channels_last", marks=pytest.mark.slow
        ),
    ],
)
def test_a_config_is_one_network_whatever_keras_json_says(
    tmp_path: Path, config: dict[str, object] | None, policy: list[str], first: str
) -> None:
    (tmp_path / "none").mkdir()
    expected = _run(TRAIN_AND_LOAD, tmp_path / "none", arguments=[tmp_path / "a.keras"])
    of_keras, *values = expected.stdout.splitlines()
    assert of_keras == "float32 1e-07 channels_last", expected.stderr
    assert values
    if config:
        (tmp_path / "keras.json").write_text(json.dumps(config))
    done = _run(TRAIN_AND_LOAD, tmp_path, arguments=[tmp_path / "a.keras", *policy])
    assert done.stdout.splitlines() == [first, *values]


def test_a_variable_that_names_another_backend_gives_one_warning(tmp_path: Path) -> None:
    done = _run(TRAIN, tmp_path, KERAS_BACKEND="tensorflow")
    assert done.stdout == "torch 66\n", done.stderr
    assert done.stderr.count("KERAS_BACKEND is tensorflow; the networks here train") == 1
    done = _run("from experiments import STUDIES", tmp_path, KERAS_BACKEND="tensorflow")
    assert done.stderr == ""


def test_keras_that_was_imported_before_on_another_backend_is_a_sentence(tmp_path: Path) -> None:
    script = """
import keras
keras.backend.backend = lambda: "tensorflow"
from experiments import load_run  # for those who only look
import networks
networks.FFNConfig()
for name in ("fit", "load_model", "build_model"):
    try:
        getattr(networks, name)
    except networks.ConfigError as error:
        print(error)
"""
    done = _run(script, tmp_path, KERAS_BACKEND="torch")
    assert done.stdout == 3 * (
        "networks train with Keras on torch. Received: Keras on tensorflow, as it was imported "
        "before this package. Import networks, or set KERAS_BACKEND=torch, before keras.\n"
    ), done.stderr
