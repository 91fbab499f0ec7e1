"""Model files whose layers are not those of our networks, or giants."""

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from networks.models.config import CNNConfig, FFNConfig
from tests.networks.safe_loading.model_files import (
    CNN,
    FFN,
    assert_refused,
    change_config,
    kept,
    parts_of,
    put,
    saved,
    write,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return kept(tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("config/layers/0/config/batch_shape", [None, 10**9], "batch_shape of mfcc_statistics"),
        ("config/layers/0/config/sparse", True, "no 'sparse'"),
        ("config/layers/1/config/mean", [0.0] * 26, "no 'mean'"),
        ("config/layers/2/config/units", True, "units of hidden_1"),
        ("config/layers/2/config/units", 2.0, "units of hidden_1"),
        ("config/layers/2/config/use_bias", False, "use_bias of hidden_1"),
        ("config/layers/2/config/activation", "my>relu", "activation of hidden_1"),
        ("config/layers/2/config/dtype", "int8_from_float32", "dtype of hidden_1"),
        ("config/layers/2/config/lora_rank", 10**6, "no 'lora_rank'"),
        ("config/name", "a/b", "a trainable model"),
        ("config/custom", 1, "a trainable model"),
        ("custom", 1, "nothing else in config.json"),
        ("config/layers/2/name", "other", "a name of its own"),
        ("config/layers/2/build_config/input_shape", [[1], 26], "built for rows"),
        ("config/layers/2/build_config/shapes", [26], "built for rows"),
        ("config/layers/2/config/kernel_initializer/shared_object_id", 1, "kernel_initializer of"),
        ("config/layers/4/config/alpha_initializer/config/value", [[9]], "alpha_initializer of"),
        ("config/layers/3/config/epsilon", float("nan"), "epsilon of hidden_1_batch_norm"),
        ("config/layers/3/config/renorm", True, "no 'renorm'"),
        ("config/layers/4/config/shared_axes", [1, 2, 3], "one slope"),
        ("config/layers/5/config/noise_shape", [10**9, 3], "no 'noise_shape'"),
        ("config/layers/5/inbound_nodes", [], "take the outputs of the layer before"),
        ("config/layers/5/inbound_nodes/0/kwargs/training", True, "take the outputs"),
        ("config/layers/5/inbound_nodes/0/kwargs/state", None, "take the outputs"),
        ("config/layers/5/inbound_nodes/0/args/0/config/shape", [None, 10**9], "take the outputs"),
        ("config/layers/5/inbound_nodes/0/args/0/config/keras_history/0", "logits", "the outputs"),
        ("config/layers/5", 3, "a layer to be a JSON object"),
        ("config/layers", [], "at least two layers"),
        ("config/layers", [{}] * 1001, "at most 1000 layers"),
        ("config/output_layers", ["hidden_1", 0, 0], "output_layers to be logits"),
        ("config/trainable", False, "a trainable model"),
        ("compile_config", {"optimizer": "adam"}, "without an optimizer"),
    ],
)
def test_settings_that_our_networks_do_not_have(
    path: Path, place: str, value: Any, words: str
) -> None:
    change_config(path, put(place, value))
    assert_refused(path, words)


def test_a_model_that_is_a_layer(path: Path) -> None:
    change_config(path, lambda config: config.update(config["config"]["layers"][2]))
    assert_refused(path, "a functional model")


@pytest.mark.parametrize("name", ["hidden_1", "a\n\x1b[2J", "a/b", "", 3])
def test_names_that_keras_or_a_terminal_would_trip_over(path: Path, name: Any) -> None:
    def change(config: Any) -> None:
        layer = config["config"]["layers"][3]
        layer["name"] = layer["config"]["name"] = name

    change_config(path, change)
    assert_refused(path, "a name of its own")


def _chain(*layers: Any) -> Callable[[Any], object]:
    """The layers one after the other, all on the inputs' shape."""

    def change(config: Any) -> None:
        shape = layers[0]["config"]["batch_shape"]
        for before, layer in pairwise(layers):
            history = [before["name"], 0, 0]
            tensor = {"shape": shape, "dtype": "float32", "keras_history": history}
            node = {"class_name": "__keras_tensor__", "config": tensor}
            layer["inbound_nodes"] = [{"args": [node], "kwargs": {}}]
            layer["build_config"] = {"input_shape": shape}
        config["config"]["layers"] = list(layers)

    return change


def _layer(network: FFNConfig | CNNConfig, name: str, **settings: Any) -> Any:
    with zipfile.ZipFile(io.BytesIO(saved(network))) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    layer = next(layer for layer in layers if layer["name"].startswith(name))
    layer["config"].update(settings)
    return layer


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([_layer(CNN, "mel"), _layer(CNN, "convolution_1")], "an image of channels"),
        ([_layer(CNN, "mel"), _layer(CNN, "convolution_1_pooling")], "an image of channels"),
        ([_layer(CNN, "mel"), _layer(CNN, "dense_1")], "a flat input of a Dense"),
        ([_layer(FFN, "mfcc"), _layer(CNN, "image")], "inputs of a Reshape"),
        ([_layer(FFN, "mfcc"), _layer(FFN, "mfcc") | {"name": "x"}], "one InputLayer"),
        ([_layer(FFN, "hidden_1"), _layer(FFN, "mfcc")], "one InputLayer"),
        ([_layer(FFN, "mfcc")], "at least two layers"),
    ],
)
def test_layers_that_do_not_fit_together(path: Path, layers: list[Any], words: str) -> None:
    layers[0]["config"].setdefault("batch_shape", [None, 26])
    change_config(path, _chain(*layers))
    assert_refused(path, words)


def test_a_kernel_larger_than_the_image(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(saved(CNN))

    def change(config: Any) -> None:
        settings = config["config"]["layers"][3]["config"]
        settings.update(kernel_size=[3, 130], padding="valid")

    change_config(path, change)
    assert_refused(path, "to put out 1 to")


@pytest.mark.parametrize(
    ("network", "place", "value", "words"),
    [
        (FFN, "config/layers/2/config/units", 10**9, "received 1000000000"),
        (FFN, "config/layers/2/build_config/input_shape", [None, 10**9], "built for rows of (26,)"),
        (FFN, "config/layers/6/config/units", 2 * 10**8, "to put out 1 to 16777216 values a row"),
        (FFN, "config/layers/6/config/units", 10**7, "bytes of weights, as the layers need"),
        (FFN, "config/layers/6/config/units", 5, "/vars/0 to be float32 of shape (3, 5)"),
        (CNN, "config/layers/3/config/filters", 10**9, "received 1000000000"),
        (CNN, "config/layers/3/config/filters", 10**4, "to put out 1 to 16777216 values a row"),
        (CNN, "config/layers/3/config/kernel_size", [20_000, 20_000], "at most 500000000"),
        (CNN, "config/layers/3/config/strides", [10**9, 1], "strides of convolution_1"),
        (CNN, "config/layers/3/config/padding", "valid", "built for rows of (2, 19, 126)"),
        (CNN, "config/layers/2/config/target_shape", [10**9, 21, 128], "target_shape of image"),
        (CNN, "config/layers/7/config/pool_size", [10**9, 1], "pool_size of"),
    ],
)
def test_a_giant_that_is_announced_is_not_allocated(
    tmp_path: Path,
    network: FFNConfig | CNNConfig,
    place: str,
    value: Any,
    words: str,
) -> None:
    path = tmp_path / "model.keras"
    path.write_bytes(saved(network))

    change_config(path, put(place, value))
    tracemalloc.start()
    try:
        assert_refused(path, words)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_json_that_is_none(path: Path) -> None:
    parts = parts_of(path)
    for content in (b"", b"{", b"[]", b"1", b"[" * 10**5, b"9" * 10**5, b"\xff\xfe{\x00}\x00"):
        write(path, parts | {"config.json": content})
        assert_refused(path, "cannot be loaded as a network")
