"""Keras models from configs, and by functions of users.

All map a batch of rows to one value a genre. The layers of our two networks are Keras's own,
in a plain chain.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import torch

from networks.backend import check_torch, keras_defaults, replaced_backend
from networks.errors import ConfigError
from networks.models.blocks import Seeds, activate, batch_norm, dense, initializers
from networks.models.config import CNNConfig, FFNConfig, NetworkConfig, row_shape
from networks.models.config_checks import check_whole, require
from networks.models.custom import CustomConfig

check_torch(keras.backend.backend())
if sentence := replaced_backend():
    warnings.warn(sentence, stacklevel=2)

CONFIG_EXPECTED = "network must be a config, such as FFNConfig()"
_DROPOUT_LAYERS = 3  # convolutions that dropout follows, as in the source


@keras_defaults()
def build_model(
    network: NetworkConfig,
    classes: int,
    seed: int = 0,
    train_features: npt.NDArray[Any] | None = None,
    *,
    input_shape: tuple[int, ...] | None = None,
    channels_last: bool = False,
) -> keras.Model:
    """Build the Keras model that a config describes, with its initial weights.

    Args:
        network: `FFNConfig`, `CNNConfig`, or `CustomConfig`, whose function is loaded.
        classes: number of genres, at least 1.
        seed: of the initial weights and of dropout; equal seeds give equal weights.
        train_features: raw rows that the `Normalization` layer of a config with
            `standardize=True` is adapted on; None leaves it at mean 0 and variance 1.
            [shape=(n, d)] or [shape=(n, frames, bands)]
        input_shape: of a row, such as `music.shapes["mel"]`; None means that of
            `train_features`, else (26,) or (21, 128).
        channels_last: where a `CNNConfig` has the channels of its images. Its weights are the
            same; torch is faster with them first, and some other backends need them last.

    Returns:
        A functional model, not compiled: (n, *input_shape) to logits (n, classes).

    Raises:
        ConfigError: an argument of the wrong type, a network of which nothing is left on such
            rows, or a function that cannot be loaded or builds no model of these shapes.

    Example:
    >>> from networks import FFNConfig, build_model
    >>> build_model(FFNConfig(hidden=(16,)), classes=4).count_params()
    500
    """
    require(isinstance(network, NetworkConfig), CONFIG_EXPECTED, network)
    check_whole("classes", classes, 1)
    check_whole("seed", seed, 0)
    if input_shape is None and train_features is not None:
        input_shape = tuple(train_features.shape[1:])
    input_shape = row_shape(network, input_shape)
    if isinstance(network, CustomConfig):
        function, options = network.load_function(), dict(network.options)
        return build_with(function, input_shape, classes, seed, options)
    seeds = Seeds(seed)
    if isinstance(network, FFNConfig):
        inputs = keras.Input(input_shape, name="mfcc_statistics")
        hidden: Callable[..., Any] = _ffn_layers
    else:
        inputs = keras.Input(input_shape, name="mel_spectrogram")
        hidden = partial(_cnn_layers, channels_last=channels_last)
    x = inputs
    if network.standardize:
        normalization = keras.layers.Normalization(axis=-1, name="standardize")
        if train_features is not None:
            normalization.adapt(train_features)
        x = normalization(x)
    x = hidden(x, network, seeds)
    return keras.Model(inputs, dense(x, classes, network, seeds, "logits"), name=network.kind)


@keras_defaults()
def build_with(
    function: Callable[..., keras.Model],
    input_shape: tuple[int, ...],
    classes: int,
    seed: int,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> keras.Model:
    """Build a model with a function of the user, on the CPU.

    Args:
        function: called with `input_shape`, `classes` and `options`.
        input_shape: of a row.
        classes: number of genres.
        seed: of Keras's, NumPy's and Python's random numbers meanwhile.
        options: keyword arguments.

    Raises:
        ConfigError: it takes other arguments, or what it returns is no model of these shapes.
    """
    try:
        inspect.signature(function).bind(input_shape, classes, **options)
    except (TypeError, ValueError) as error:
        called = ", ".join(["input_shape", "classes", *options])
        raise ConfigError(
            f"a function that builds networks is called with ({called}). Received: "
            f"{function!r:.100}, which does not take them ({error})."
        ) from error
    keras.utils.set_random_seed(seed % 2**32)
    with keras.device("cpu"):
        model = function(input_shape, classes, **options)
    check_shapes(model, input_shape, classes)
    return model


@keras_defaults()
def check_shapes(model: Any, input_shape: tuple[int, ...], classes: int | None) -> None:
    """Raise ConfigError unless a model maps n rows to (n, classes), or any number for None."""
    if not isinstance(model, keras.Model):
        raise ConfigError(f"a network must be a Keras model. Received: {model!r:.100}.")
    try:
        with keras.device("cpu"), torch.no_grad():
            found = tuple(model(np.zeros((1, *input_shape), np.float32), training=False).shape)
    except Exception as error:  # of any kind, from its layers
        raise ConfigError(
            f"a model must read rows of the shape {input_shape}. Received one that fails on them: "
            f"{error!s:.300}"
        ) from error
    if len(found) != 2 or found != (1, classes or found[1]):
        raise ConfigError(
            f"a model must map n rows to the shape (n, {classes or 'classes'}), a value a genre. "
            f"Received: {('n', *found[1:])}."
        )


def _ffn_layers(x: Any, config: FFNConfig, seeds: Seeds) -> Any:
    for number, units in enumerate(config.hidden, start=1):
        name = f"hidden_{number}"
        x = dense(x, units, config, seeds, name)
        if config.batch_norm:
            x = batch_norm(x, -1, f"{name}_batch_norm")
        x = activate(x, config.activation, f"{name}_activation")
        if config.dropout:
            x = keras.layers.Dropout(config.dropout, seed=seeds.next(), name=f"{name}_dropout")(x)
    return x


def _cnn_layers(x: Any, config: CNNConfig, seeds: Seeds, *, channels_last: bool) -> Any:
    # The torch backend computes channels that are first without transposing.
    data_format = "channels_last" if channels_last else "channels_first"
    axis = -1 if channels_last else 1
    shape = tuple(x.shape[1:])
    image = (*shape, 1) if channels_last else (1, *shape)
    x = keras.layers.Reshape(image, name="image")(x)
    for number, filters in enumerate(config.filters, start=1):
        name = f"convolution_{number}"
        x = keras.layers.Conv2D(
            filters,
            config.kernel_size,
            padding="same" if config.padding else "valid",
            data_format=data_format,
            name=name,
            **initializers(config, x.shape[axis] * config.kernel_size**2, seeds),
        )(x)
        if config.batch_norm:
            x = batch_norm(x, axis, f"{name}_batch_norm")
        x = activate(x, config.activation, f"{name}_activation")
        if config.dropout and number <= _DROPOUT_LAYERS:
            x = keras.layers.Dropout(config.dropout, seed=seeds.next(), name=f"{name}_dropout")(x)
        if config.pooling:
            x = keras.layers.MaxPooling2D(2, data_format=data_format, name=f"{name}_pooling")(x)
    if channels_last:
        x = keras.layers.Permute((3, 1, 2), name="channels_first")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(config.dense, start=1):
        name = f"dense_{number}"
        x = dense(x, units, config, seeds, name)
        if config.batch_norm:
            x = batch_norm(x, -1, f"{name}_batch_norm")
        if config.dense_activation:
            x = activate(x, config.activation, f"{name}_activation")
    return x
