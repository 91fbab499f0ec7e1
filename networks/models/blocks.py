"""The pieces both networks are made of, as plain Keras layers.

Only built-in layers and initializers are used, so that a saved model loads
without this package.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from networks.models.config import Activation, CNNConfig, FFNConfig

BATCH_NORM_MOMENTUM = 0.9  # of the running mean, which is 1 - torch's 0.1
BATCH_NORM_EPSILON = 1e-5
LEAKY_SLOPE = 0.01
PRELU_START = 0.25


class Seeds:
    """A stream of seeds for initializers and dropout that depends on one seed alone."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng([seed, 0])

    def next(self) -> int:
        """The next seed."""
        return int(self._random.integers(2**31 - 1))


def activate(x: Any, activation: Activation, name: str) -> Any:
    """Apply an activation with the slopes and thresholds of the source's framework."""
    match activation:
        case "linear":
            return x
        case "leaky_relu":
            return keras.layers.LeakyReLU(negative_slope=LEAKY_SLOPE, name=name)(x)
        case "prelu":  # one slope for the whole layer, as in the source
            return keras.layers.PReLU(
                alpha_initializer=keras.initializers.Constant(PRELU_START),
                shared_axes=list(range(1, len(x.shape))),
                name=name,
            )(x)
        case _:
            return keras.layers.Activation(activation, name=name)(x)


def batch_norm(x: Any, channel_axis: int, name: str) -> Any:
    """Batch normalisation with the defaults of the source's framework."""
    return keras.layers.BatchNormalization(
        axis=channel_axis,
        momentum=BATCH_NORM_MOMENTUM,
        epsilon=BATCH_NORM_EPSILON,
        name=name,
    )(x)


def dense(x: Any, units: int, config: FFNConfig | CNNConfig, seeds: Seeds, name: str) -> Any:
    """A dense layer without activation."""
    return keras.layers.Dense(units, name=name, **initializers(config, x.shape[-1], seeds))(x)


def initializers(config: FFNConfig | CNNConfig, fan_in: int, seeds: Seeds) -> dict[str, Any]:
    """Seeded kernel and bias initializers of a layer.

    "uniform_fan_in" draws both from +-1/sqrt(fan_in); the bias cannot see the
    kernel's fan-in, so it is told the bound.
    """
    kernel_seed, bias_seed = seeds.next(), seeds.next()
    if config.initializer == "uniform_fan_in":
        bound = 1.0 / math.sqrt(fan_in)
        return {
            "kernel_initializer": keras.initializers.VarianceScaling(
                scale=1.0 / 3.0, mode="fan_in", distribution="uniform", seed=kernel_seed
            ),
            "bias_initializer": keras.initializers.RandomUniform(-bound, bound, seed=bias_seed),
        }
    kernel = {
        "glorot_uniform": keras.initializers.GlorotUniform,
        "he_normal": keras.initializers.HeNormal,
    }[config.initializer]
    return {"kernel_initializer": kernel(seed=kernel_seed), "bias_initializer": "zeros"}
