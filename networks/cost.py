"""How much arithmetic a network is, from its config alone."""

from __future__ import annotations

from itertools import pairwise

from networks.config import FFNConfig, NetworkConfig

_N_MFCC_STATISTICS = 26


def multiplications(network: NetworkConfig) -> int:
    """Multiplications of one row's forward pass, the last layer apart."""
    if isinstance(network, FFNConfig):
        return _dense((_N_MFCC_STATISTICS, *network.hidden))
    rows, columns = network.image_shape
    channels, total = 1, 0
    for filters in network.filters:
        if not network.padding:
            rows, columns = rows - network.kernel_size + 1, columns - network.kernel_size + 1
        total += rows * columns * filters * channels * network.kernel_size**2
        if network.pooling:
            rows, columns = rows // 2, columns // 2
        channels = filters
    return total + _dense((rows * columns * channels, *network.dense))


def _dense(sizes: tuple[int, ...]) -> int:
    return sum(inputs * outputs for inputs, outputs in pairwise(sizes))
