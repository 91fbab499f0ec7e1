"""Networks as `.keras` files for Keras on any backend, and compared with what they were made of.

Ours train with the channels of an image first, which TensorFlow computes on some machines only.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from networks.errors import ConfigError
from networks.inference import probabilities_of, save_model
from networks.models.build import build_model
from networks.models.config import CNNConfig, NetworkConfig


def write(model: keras.Model, network: NetworkConfig, path: Path) -> None:
    """Write a network with the channels of images last as a `.keras` file.

    Args:
        model: on the CPU.
        network: config that it was built from.
        path: of the file.

    Raises:
        ConfigError: a model of the user's function has layers with the channels first.
        OSError: the file cannot be written.
    """
    if isinstance(network, CNNConfig):
        shape, classes = model.input_shape[1:], model.output_shape[-1]
        portable = build_model(network, classes, input_shape=shape, channels_last=True)
        portable.set_weights(model.get_weights())
        model = portable
    for layer in model._flatten_layers():
        if getattr(layer, "data_format", None) == "channels_first":
            raise ConfigError(
                f"the layer {layer.name} reads the channels of an image first, which TensorFlow "
                "computes on some machines only: give it data_format='channels_last'."
            )
    save_model(model, path)


def largest_difference(path: Path, model: keras.Model, features: npt.NDArray[Any]) -> float:
    """Compare the probabilities of a written file, loaded as anybody would, with the model's.

    Args:
        path: of the file.
        model: that it was made of.
        features: raw rows. [shape=(n, ...)]

    Returns:
        The largest absolute difference of any probability.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "model.keras"  # Keras insists on the suffix
        shutil.copyfile(path, copy)
        loaded = keras.saving.load_model(copy, compile=False)
    differences = probabilities_of(loaded, features) - probabilities_of(model, features)
    return float(np.abs(differences).max())
