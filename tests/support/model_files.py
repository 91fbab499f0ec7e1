"""Model files, whole and tampered with."""

import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from networks.errors import ConfigError
from networks.inference import load_model, logits_of, save_model
from networks.models.build import build_model
from networks.models.config import CNNConfig, FFNConfig

EVERYTHING: Any = {"batch_norm": True, "dropout": 0.1, "standardize": True}
FFN = FFNConfig(hidden=(3,), activation="prelu", **EVERYTHING)
CNN = CNNConfig(filters=(2, 1), kernel_size=3, dense=(2,), activation="relu", **EVERYTHING)
Parts = dict[str, bytes]


def rows(network: FFNConfig | CNNConfig) -> np.ndarray:
    shape = (26,) if isinstance(network, FFNConfig) else (21, 128)
    return np.random.default_rng(0).normal(3, 2, (6, *shape)).astype(np.float32)


@cache
def saved(network: FFNConfig | CNNConfig) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        save_model(build_model(network, 4, 0, rows(network)), path)
        return path.read_bytes()


@cache
def expected_logits(network: FFNConfig | CNNConfig) -> np.ndarray:
    return logits_of(build_model(network, 4, 0, rows(network)), rows(network))


def kept(folder: Path, network: FFNConfig | CNNConfig = FFN) -> Path:
    """A model file in a folder."""
    path = folder / "model.keras"
    path.write_bytes(saved(network))
    return path


def parts_of(path: Path) -> Parts:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, parts: Parts) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def change_weights(path: Path, change: Callable[[h5py.File], object]) -> None:
    parts, file = parts_of(path), path.with_name("weights.h5")
    file.write_bytes(parts["model.weights.h5"])
    with h5py.File(file, "a") as weights:
        change(weights)
    write(path, parts | {"model.weights.h5": file.read_bytes()})


def load(path: Path, network: FFNConfig | CNNConfig = FFN) -> keras.Model:
    return load_model(path, network, 4)


def assert_refused(path: Path, words: str) -> None:
    """A file is refused for the reason that `words` give, in one sentence."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert words in message, message
    assert message.startswith(str(path))
    assert message.endswith(("train the network again.", "Choose a model.keras of a run."))
    assert "\n" not in message
    assert len(message) < 500
