import math
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

from networks.errors import ConfigError
from networks.inference import logits_of, probabilities_of, save_model
from networks.models.blocks import activate
from networks.models.build import build_model
from networks.models.config import CNNConfig, FFNConfig


def _shapes(model: keras.Model) -> dict[str, tuple[int, ...]]:
    return {weight.path: tuple(weight.shape) for weight in model.weights}


def test_the_documented_ffn() -> None:
    assert _shapes(build_model(FFNConfig(), 4, 0)) == {
        "hidden_1/kernel": (26, 128),
        "hidden_1/bias": (128,),
        "hidden_2/kernel": (128, 32),
        "hidden_2/bias": (32,),
        "logits/kernel": (32, 4),
        "logits/bias": (4,),
    }


def test_the_documented_cnns() -> None:
    pooled = _shapes(build_model(CNNConfig(), 4, 0))
    assert [shape for name, shape in pooled.items() if name.endswith("kernel")] == [
        (5, 5, 1, 16),
        (5, 5, 16, 32),
        (5, 5, 32, 64),
        (5, 5, 64, 128),
        (1024, 1024),
        (1024, 256),
        (256, 32),
        (32, 4),
    ]
    plain = CNNConfig(pooling=False, padding=False, dense=(2,))
    assert _shapes(build_model(plain, 4, 0))["dense_1/kernel"] == (71680, 2)


@pytest.mark.parametrize("config", [FFNConfig(), CNNConfig()])
def test_weights_begin_uniform_within_the_fan_in(config: FFNConfig | CNNConfig) -> None:
    for layer in build_model(config, 4, 3).layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        bound = 1 / math.sqrt(np.prod(kernel.shape[:-1]))
        assert np.abs(kernel).max() <= bound
        assert np.abs(bias).max() <= bound
        assert kernel.std() == pytest.approx(bound / math.sqrt(3), rel=0.15)
        if bias.size >= 32:
            assert bias.std() == pytest.approx(bound / math.sqrt(3), rel=0.4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ffn", 2), "network must be a config, such as FFNConfig(). Received: 'ffn'."),
        ((FFNConfig(), "2"), "classes must be a whole number, at least 1. Received: '2'."),
        ((FFNConfig(), 0), "classes must be a whole number, at least 1. Received: 0."),
        ((FFNConfig(), 2, -1), "seed must be a whole number, at least 0. Received: -1."),
    ],
)
def test_wrong_arguments_are_refused(arguments: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        build_model(*arguments)


def test_the_seed_decides_the_weights() -> None:
    first, same, other = (build_model(FFNConfig(), 4, seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("relu", torch.nn.ReLU()),
        ("leaky_relu", torch.nn.LeakyReLU()),
        ("prelu", torch.nn.PReLU()),
        ("hard_shrink", torch.nn.Hardshrink()),
        ("hard_swish", torch.nn.Hardswish()),
        ("linear", torch.nn.Identity()),
    ],
)
def test_activations_are_torchs(name: str, reference: torch.nn.Module) -> None:
    values = np.linspace(-5, 5, 201, dtype=np.float32).reshape(1, 3, 67)
    inputs = keras.Input((3, 67))
    model = keras.Model(inputs, activate(inputs, name, "activation"))  # type: ignore[arg-type]
    with torch.no_grad():
        expected = reference(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(logits_of(model, values), expected, atol=1e-6)
    assert model.count_params() == sum(p.numel() for p in reference.parameters())


def _torch_cnn(config: CNNConfig, model: keras.Model) -> torch.nn.Module:
    """The same network in plain torch, with the Keras model's weights."""
    layers: list[torch.nn.Module] = [torch.nn.Unflatten(1, (1, 21))]
    channels = 1
    for filters in config.filters:
        padding = config.kernel_size // 2 if config.padding else 0
        layers += [torch.nn.Conv2d(channels, filters, config.kernel_size, padding=padding)]
        layers += [torch.nn.ReLU(), *([torch.nn.MaxPool2d(2)] if config.pooling else [])]
        channels = filters
    sizes = [model.get_layer("dense_1").kernel.shape[0], *config.dense]
    layers.append(torch.nn.Flatten())
    for inputs, outputs in pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 4))
    ours = [layer.get_weights() for layer in model.layers if layer.weights]
    theirs = [layer for layer in network if hasattr(layer, "weight")]
    with torch.no_grad():
        for (kernel, bias), layer in zip(ours, theirs, strict=True):
            order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
            layer.weight.copy_(torch.from_numpy(np.transpose(kernel, order)))
            layer.bias.copy_(torch.from_numpy(bias))
    return network


@pytest.mark.parametrize(
    "config",
    [CNNConfig(), CNNConfig(pooling=False, padding=False, filters=(2, 3, 4, 5), dense=(8, 4))],
)
def test_the_cnn_is_the_same_network_in_torch(config: CNNConfig) -> None:
    model = build_model(config, 4, 7)
    features = np.random.default_rng(0).uniform(-80, 0, (5, 21, 128)).astype(np.float32)
    with torch.no_grad():
        expected = _torch_cnn(config, model)(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(logits_of(model, features), expected, rtol=1e-4, atol=1e-3)


def test_standardisation_lives_in_the_model() -> None:
    features = np.random.default_rng(0).normal(50, 9, (200, 26))
    model = build_model(FFNConfig(standardize=True), 4, 0, features)
    inner = keras.Model(model.input, model.get_layer("standardize").output)
    standardised = logits_of(inner, features)
    np.testing.assert_allclose(standardised.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(standardised.std(axis=0), 1, atol=1e-4)


def test_options_add_their_layers() -> None:
    config = CNNConfig(batch_norm=True, dropout=0.2, standardize=True)
    kinds = [type(layer).__name__ for layer in build_model(config, 4, 0).layers]
    assert kinds.count("BatchNormalization") == 4 + 3
    assert kinds.count("Dropout") == 3
    assert kinds.count("Normalization") == 1
    norms = [layer for layer in build_model(config, 4, 0).layers if "batch_norm" in layer.name]
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.9, 1e-5)}


def test_probabilities_add_up() -> None:
    features = np.random.default_rng(0).normal(0, 100, (300, 26))
    probabilities = probabilities_of(build_model(FFNConfig(), 4, 0), features)
    assert probabilities.shape == (300, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.min() >= 0


LOADER = """
import os, sys
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy as np
for path in sys.argv[1:]:
    model = keras.saving.load_model(path, safe_mode=True)
    rows = np.load(path + ".rows.npy")
    np.save(path + ".out.npy", keras.ops.convert_to_numpy(model(rows, training=False)))
assert not {"networks", "data", "experiments"} & set(sys.modules)
"""


def test_saved_models_load_without_our_code(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    everything = {"batch_norm": True, "dropout": 0.1, "standardize": True}
    paths, expected = [], []
    for number, activation in enumerate(
        ["relu", "leaky_relu", "prelu", "hard_shrink", "hard_swish"]
    ):
        rows = rng.normal(size=(6, 21, 128)).astype(np.float32)
        config = CNNConfig(filters=(2, 2), dense=(3,), activation=activation, **everything)  # type: ignore[arg-type]
        model = build_model(config, 4, number, rows)
        path = tmp_path / f"{number}.keras"
        save_model(model, path)
        np.save(f"{path}.rows.npy", rows)
        paths.append(str(path))
        expected.append(logits_of(model, rows))
    # An empty folder and an isolated interpreter: nothing of ours can be found.
    subprocess.run(
        [sys.executable, "-I", "-c", LOADER, *paths], check=True, cwd=tmp_path, timeout=120
    )
    for path, values in zip(paths, expected, strict=True):
        np.testing.assert_allclose(np.load(f"{path}.out.npy"), values, rtol=1e-5, atol=1e-6)
