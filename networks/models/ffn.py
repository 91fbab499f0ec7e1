"""The feed-forward network: 26 MFCC statistics in, one logit a genre out."""

from __future__ import annotations

from typing import Any

import keras
import numpy.typing as npt

from networks.models.blocks import Seeds, activate, batch_norm, dense
from networks.models.config import FFNConfig

N_INPUTS = 26


def build_ffn(
    config: FFNConfig, classes: int, seed: int, train_features: npt.NDArray[Any] | None = None
) -> keras.Model:
    """A Keras model of the feed-forward network.

    Args:
        config: what it is.
        classes: number of genres.
        seed: of its initial weights and its dropout.
        train_features: rows that the `Normalization` layer is adapted on, where
            the config asks for one; None leaves it at mean 0 and variance 1. [shape=(n, 26)]

    Returns:
        A functional model, (n, 26) to logits (n, classes).
    """
    seeds = Seeds(seed)
    inputs = keras.Input((N_INPUTS,), name="mfcc_statistics")
    x = inputs
    if config.standardize:
        normalization = keras.layers.Normalization(name="standardize")
        if train_features is not None:
            normalization.adapt(train_features)
        x = normalization(x)
    for number, units in enumerate(config.hidden, start=1):
        name = f"hidden_{number}"
        x = dense(x, units, config, seeds, name)
        if config.batch_norm:
            x = batch_norm(x, -1, f"{name}_batch_norm")
        x = activate(x, config.activation, f"{name}_activation")
        if config.dropout:
            x = keras.layers.Dropout(config.dropout, seed=seeds.next(), name=f"{name}_dropout")(x)
    return keras.Model(inputs, dense(x, classes, config, seeds, "logits"), name="ffn")
