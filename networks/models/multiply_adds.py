"""How much arithmetic a network is, from its config alone.

What counts is the products that matrices and convolutions are made of, those with
the zeros of a padding left out; biases, activations, pooling, losses and optimizers
do not count. A network that a function of the user builds counts as our own on its features.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeAlias

from networks.models.config import CNNConfig, FFNConfig, NetworkConfig, comparable
from networks.models.custom import DOCUMENTED_SHAPES

Shape: TypeAlias = tuple[int, ...] | None  # of a row; None is the documented one


def multiplications(network: NetworkConfig, input_shape: Shape = None) -> int:
    """Multiplications of one row's forward pass, the last layer apart."""
    return sum(products for products, _ in _hidden_layers(network, input_shape))


def training_multiplications(
    network: NetworkConfig, classes: int, input_shape: Shape = None
) -> int:
    """Multiplications of one row's forward and backward pass, the last layer included.

    With f(l) the multiplications of layer l's forward pass: 3 * sum of f(l) - f(1).
    Each layer does as many thrice, for its outputs, for its weights' gradients and for
    its inputs' gradients; but nobody asks for the gradients of the network's inputs.

    Args:
        network: whose layers are counted.
        classes: number of genres.
        input_shape: of a row.
    """
    layers = [products for products, _ in _hidden_layers(network, input_shape)]
    return 3 * (sum(layers) + _last_layer(network, classes)) - layers[0]


def weights(network: NetworkConfig, classes: int, input_shape: Shape = None) -> int:
    """Weights of all layers, without biases.

    Args:
        network: whose layers are counted.
        classes: number of genres.
        input_shape: of a row.
    """
    hidden = sum(weights for _, weights in _hidden_layers(network, input_shape))
    return hidden + _last_layer(network, classes)


def _last_layer(network: NetworkConfig, classes: int) -> int:
    """Its multiplications, which are as many as its weights."""
    network = comparable(network)
    sizes = network.hidden if isinstance(network, FFNConfig) else network.dense
    return sizes[-1] * classes


def _hidden_layers(network: NetworkConfig, input_shape: Shape) -> list[tuple[int, int]]:
    """Multiplications of one row's forward pass, and weights, of each layer but the last."""
    network = comparable(network)
    shape = input_shape or DOCUMENTED_SHAPES[network.features]
    if isinstance(network, FFNConfig):
        return _dense((*shape, *network.hidden))
    rows, columns = shape
    channels = 1
    layers: list[tuple[int, int]] = []
    for filters in network.filters:
        if not network.padding:
            rows, columns = rows - network.kernel_size + 1, columns - network.kernel_size + 1
        products = _reach(rows, network) * _reach(columns, network) * filters * channels
        layers.append((products, network.kernel_size**2 * filters * channels))
        if network.pooling:
            rows, columns = rows // 2, columns // 2
        channels = filters
    return layers + _dense((rows * columns * channels, *network.dense))


def _reach(outputs: int, network: CNNConfig) -> int:
    """How many inputs the kernel meets along an axis, summed over the outputs."""
    if not network.padding:
        return outputs * network.kernel_size
    half = network.kernel_size // 2
    return sum(max(outputs - abs(offset), 0) for offset in range(-half, half + 1))


def _dense(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(inputs * outputs, inputs * outputs) for inputs, outputs in pairwise(sizes)]
