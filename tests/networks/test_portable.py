"""Networks as `.keras` files with the channels of images last."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import keras
import numpy as np
import pytest

from networks import portable
from networks.errors import ConfigError
from networks.inference import logits_of
from networks.models.build import build_model
from networks.models.config import CNNConfig, FFNConfig
from networks.models.custom import CustomConfig
from tests.support.model_files import EVERYTHING, rows

NETWORKS: list[FFNConfig | CNNConfig] = [
    FFNConfig(hidden=(8,), activation="prelu", **EVERYTHING),
    CNNConfig(filters=(2, 3), dense=(5, 3), activation="hard_swish"),
    CNNConfig(filters=(4, 8), kernel_size=3, dense=(8,), activation="prelu", **EVERYTHING),
    CNNConfig(filters=(3,), dense=(4,), pooling=False, padding=False, activation="hard_shrink"),
    CNNConfig(filters=(2, 2), dense=(3,), activation="leaky_relu", initializer="he_normal"),
]
LOADER = """
import os, sys
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np
for path in sys.argv[1:]:
    model = keras.saving.load_model(path)
    np.save(path + ".npy", model.predict(np.load(path + ".rows.npy"), verbose=0))
"""


def _formats(value: Any) -> set[str]:
    """Every value of a `data_format` in a saved config."""
    if isinstance(value, list):
        return {found for part in value for found in _formats(part)}
    if not isinstance(value, dict):
        return set()
    own = {value["data_format"]} if value.get("data_format") else set()
    return own | _formats(list(value.values()))


def test_any_keras_computes_the_same_with_the_channels_last(tmp_path: Path) -> None:
    expected = {}
    for number, network in enumerate(NETWORKS):
        model, path = build_model(network, 4, number, rows(network)), tmp_path / f"{number}.keras"
        for place, variable in enumerate(model.weights):  # running means are not what they begin as
            if "seed" not in variable.name:
                noise = np.random.default_rng(place).uniform(0.05, 0.2, variable.shape)
                variable.assign(keras.ops.convert_to_numpy(variable) + noise)
        portable.write(model, network, path)
        assert portable.largest_difference(path, model, rows(network)) < 1e-6
        config = json.loads(ZipFile(path).read("config.json"))
        assert _formats(config) == ({"channels_last"} if isinstance(network, CNNConfig) else set())
        np.save(f"{path}.rows.npy", rows(network))
        expected[path] = logits_of(model, rows(network))
    subprocess.run([sys.executable, "-I", "-c", LOADER, *expected], check=True, cwd=tmp_path)
    for path, logits in expected.items():
        np.testing.assert_allclose(np.load(f"{path}.npy"), logits, rtol=1e-5, atol=1e-5)


def test_other_weights_are_another_network(tmp_path: Path) -> None:
    network = CNNConfig(filters=(2,), dense=(3,))
    portable.write(build_model(network, 4, 1), network, tmp_path / "a")
    other = build_model(network, 4, 2)
    assert portable.largest_difference(tmp_path / "a", other, rows(network)) > 1e-3


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_a_function_of_the_user_is_checked(tmp_path: Path, data_format: str) -> None:
    shape = "1, 21, 128" if data_format == "channels_first" else "21, 128, 1"
    (tmp_path / "own.py").write_text(
        "import keras\n"
        "def build(input_shape, classes):\n"
        "    return keras.Sequential([keras.Input(input_shape),\n"
        f"        keras.layers.Reshape(({shape})),\n"
        f"        keras.layers.Conv2D(2, 3, data_format={data_format!r}, name='first'),\n"
        "        keras.layers.Flatten(), keras.layers.Dense(classes)])\n"
    )
    network = CustomConfig.from_name("own:build", tmp_path, "mel")
    model = build_model(network, 4)
    if data_format == "channels_first":
        with pytest.raises(ConfigError, match="the layer first reads the channels of an image"):
            portable.write(model, network, tmp_path / "a")
        assert not (tmp_path / "a").exists()
    else:
        portable.write(model, network, tmp_path / "a")
        features = np.ones((3, 21, 128), np.float32)
        assert portable.largest_difference(tmp_path / "a", model, features) < 1e-6
