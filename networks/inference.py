"""Outputs of a trained network, and networks saved to and loaded from files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile, ZipInfo

import keras
import numpy as np
import numpy.typing as npt
import torch

from networks.backend import keras_defaults
from networks.errors import ConfigError, NotFiniteError
from networks.models.build import build_model
from networks.models.config import NetworkConfig
from networks.models.custom import CustomConfig
from networks.safe_loading import WEIGHTS, load_weights

_ROWS_PER_BATCH = 256


@keras_defaults()
def logits_of(model: keras.Model, features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Compute the logits of every row in inference mode, in batches of 256.

    Args:
        model: maps (n, ...) to logits (n, classes), or ends in softmax.
        features: raw rows. [shape=(n, ...)]

    Returns:
        Logits; the logarithms of its probabilities for a model that ends in softmax.
        [shape=(n, classes)]
    """
    parts = []
    with torch.no_grad():
        for begin in range(0, len(features), _ROWS_PER_BATCH):
            rows = features[begin : begin + _ROWS_PER_BATCH].astype(np.float32)
            parts.append(keras.ops.convert_to_numpy(model(rows, training=False)))
    outputs: npt.NDArray[np.float32] = np.concatenate(parts)
    if ends_in_softmax(model):
        outputs = np.log(np.maximum(outputs, np.finfo(np.float32).tiny))
    return outputs


def probabilities_of(model: keras.Model, features: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Compute the softmax of `logits_of` on the CPU. [shape=(n, classes)]

    Raises:
        NotFiniteError: a row gives probabilities that are not finite.
    """
    with keras.device("cpu"), np.errstate(invalid="ignore", over="ignore"):
        logits = logits_of(model, features).astype(np.float64)
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
    finite = np.isfinite(probabilities).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise NotFiniteError(
            f"a network's probabilities must be finite. Row {row} (counted from 0), whose largest "
            f"value is {np.abs(features[row]).max():g}, gives NaN: check the row, or train with a "
            "lower learning rate or standardize=True."
        )
    return probabilities


def ends_in_softmax(model: keras.Model) -> bool:
    """Whether a model puts out probabilities, not logits, as far as its last layer shows."""
    last = model.layers[-1] if model.layers else None
    activation = getattr(last, "activation", None)
    return isinstance(last, keras.layers.Softmax) or activation is keras.activations.softmax


@keras_defaults()
def load_model(
    path: Path | str,
    network: NetworkConfig,
    classes: int,
    *,
    input_shape: tuple[int, ...] | None = None,
) -> keras.Model:
    """Build a network and load its saved weights, on the CPU.

    Only the weights are read from the file, which may come from anybody: no class, function
    or config in it is ever loaded (see `networks.safe_loading`).

    Args:
        path: of a `.keras` file.
        network: config that the saved model was built from.
        classes: number of genres that it was built for.
        input_shape: of the rows that it was built for, see `build_model`.

    Returns:
        A functional model that maps rows to logits, not compiled.

    Raises:
        ConfigError: there is no such file, or it does not hold weights of this network.

    Example:
    >>> from networks import FFNConfig, build_model, load_model
    >>> build_model(FFNConfig(), classes=4).save("model.keras")
    >>> model = load_model("model.keras", FFNConfig(), classes=4)
    """
    with keras.device("cpu"):
        model = build_model(network, classes, input_shape=input_shape)
        load_weights(model, Path(path))
    return model


def check_function(network: CustomConfig, classes: int, input_shape: tuple[int, ...]) -> None:
    """Build a network of the user's function, save it and load it again.

    Raises:
        ConfigError: it cannot be built, is compiled, or its weights cannot be loaded again.
    """
    try:
        model = build_model(network, classes, seed=1, input_shape=input_shape)
        if model.compiled:
            raise ConfigError("the model must not be compiled, as the study's configs train it")
        with TemporaryDirectory() as folder:
            save_model(model, Path(folder) / "model.keras")
            path = Path(folder) / "model.keras"
            again = load_model(path, network, classes, input_shape=input_shape)
        if not all(map(np.array_equal, model.get_weights(), again.get_weights())):
            raise ConfigError("its weights are others when they are loaded again")
    except Exception as error:  # of any kind, from the user's code
        raise ConfigError(
            f"{network.build} builds no network that a study can use: {error!s:.300}"
        ) from error


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model as a `.keras` file; equal models give equal bytes.

    Keras also writes the time and the addresses in memory of data type policies that layers
    share; both are left out.

    Args:
        model: of `build_model`.
        path: of the file, whatever its suffix.

    Raises:
        OSError: it cannot be written.
    """
    saved = path.with_name(f"{path.name}.keras")  # Keras insists on the suffix
    try:
        model.save(saved)
        with ZipFile(saved) as source, ZipFile(path, "w") as target:
            config = _without_addresses(json.loads(source.read("config.json")))
            metadata = {"keras_version": keras.__version__}
            target.writestr(_member("metadata.json"), json.dumps(metadata))
            target.writestr(_member("config.json"), json.dumps(config))
            size = source.getinfo(WEIGHTS).file_size
            with source.open(WEIGHTS) as old, target.open(_member(WEIGHTS, size), "w") as new:
                shutil.copyfileobj(old, new)
    finally:
        saved.unlink(missing_ok=True)


def _member(name: str, size: int = 0) -> ZipInfo:
    """A member of an archive, of a fixed date; the size decides about ZIP64."""
    info = ZipInfo(name)
    info.file_size = size
    return info


def _without_addresses(config: Any) -> Any:
    if isinstance(config, list):
        return [_without_addresses(value) for value in config]
    if isinstance(config, dict):
        return {
            key: _without_addresses(value)
            for key, value in config.items()
            if key != "shared_object_id"
        }
    return config
