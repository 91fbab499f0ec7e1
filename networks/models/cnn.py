"""The convolutional network: 21 x 128 mel-spectrograms in, one logit a genre out."""

from __future__ import annotations

from typing import Any

import keras
import numpy.typing as npt

from networks.models.blocks import Seeds, activate, batch_norm, dense, initializers
from networks.models.config import CNNConfig

_CHANNELS_FIRST = "channels_first"  # what the torch backend computes without transposing
_DROPOUT_LAYERS = 3  # convolutions that dropout follows, as in the source


def build_cnn(
    config: CNNConfig, classes: int, seed: int, train_features: npt.NDArray[Any] | None = None
) -> keras.Model:
    """A Keras model of the convolutional network.

    Args:
        config: what it is.
        classes: number of genres.
        seed: of its initial weights and its dropout.
        train_features: rows that the `Normalization` layer is adapted on, where
            the config asks for one; None leaves it at mean 0 and variance 1.
            [shape=(n, 21, 128)]

    Returns:
        A functional model, (n, 21, 128) to logits (n, classes).
    """
    seeds = Seeds(seed)
    inputs = keras.Input(config.image_shape, name="mel_spectrogram")
    x = inputs
    if config.standardize:
        normalization = keras.layers.Normalization(axis=-1, name="standardize")
        if train_features is not None:
            normalization.adapt(train_features)
        x = normalization(x)
    x = keras.layers.Reshape((1, *config.image_shape), name="image")(x)
    for number, filters in enumerate(config.filters, start=1):
        name = f"convolution_{number}"
        x = keras.layers.Conv2D(
            filters,
            config.kernel_size,
            padding="same" if config.padding else "valid",
            data_format=_CHANNELS_FIRST,
            name=name,
            **initializers(config, x.shape[1] * config.kernel_size**2, seeds),
        )(x)
        if config.batch_norm:
            x = batch_norm(x, 1, f"{name}_batch_norm")
        x = activate(x, config.activation, f"{name}_activation")
        if config.dropout and number <= _DROPOUT_LAYERS:
            x = keras.layers.Dropout(config.dropout, seed=seeds.next(), name=f"{name}_dropout")(x)
        if config.pooling:
            x = keras.layers.MaxPooling2D(2, data_format=_CHANNELS_FIRST, name=f"{name}_pooling")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for number, units in enumerate(config.dense, start=1):
        name = f"dense_{number}"
        x = dense(x, units, config, seeds, name)
        if config.batch_norm:
            x = batch_norm(x, -1, f"{name}_batch_norm")
        if config.dense_activation:
            x = activate(x, config.activation, f"{name}_activation")
    return keras.Model(inputs, dense(x, classes, config, seeds, "logits"), name="cnn")
