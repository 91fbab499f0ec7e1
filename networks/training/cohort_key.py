"""Which trials can train in one cohort, in which precision, and how many.

Plain functions of configs: planning a run needs neither Keras nor torch.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Literal

from networks.models.config import CNNConfig, NetworkConfig, TrainingConfig, row_shape
from networks.models.custom import CustomConfig

Precision = Literal["float32", "tf32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "tf32", "bfloat16")

# Copies of the weights that training holds: themselves, gradients, two moments and
# another of each weight while a step is recorded.
_COPIES_OF_WEIGHTS = 6
# Copies of each convolution's outputs: themselves, pooled with places in int64, and
# as many for the gradients.
_COPIES_OF_OUTPUTS = 6
_BYTES = 4


# Trials that train together at most. Networks on MFCC statistics are small: many share each
# operation's fixed cost, but more than 64 no longer fit into a core's caches. A convolutional
# network keeps a core busy on its own, but not a GPU.
LARGEST_COHORT: dict[str, dict[str, int]] = {
    "mfcc": {"cpu": 64, "cuda": 256},
    "mel": {"cpu": 1, "cuda": 64},
}


def cohort_key(network: NetworkConfig | None, training: TrainingConfig) -> tuple[object, ...]:
    """Key of a trial: those with equal keys can train in one cohort.

    The initial weights may differ in kind, dropout in its rate (but not in whether
    there is any), training in everything but optimizer and batch size.
    """
    if network is not None and not isinstance(network, CustomConfig):
        dropout = 0.5 if network.dropout else 0.0
        network = replace(network, initializer="uniform_fan_in", dropout=dropout)
    return network, training.optimizer, training.batch_size


def bytes_per_trial(
    network: CNNConfig, batch_size: int, classes: int, input_shape: tuple[int, ...] | None = None
) -> int:
    """Estimate, from above, the memory that each trial of a cohort takes, in bytes.

    Args:
        network: of the trial.
        batch_size: rows a step.
        classes: number of genres.
        input_shape: of a row; None is the documented one.
    """
    rows, columns = row_shape(network, input_shape)
    channels, weights, outputs = 1, 0, 0
    for filters in network.filters:
        if not network.padding:
            rows, columns = rows - network.kernel_size + 1, columns - network.kernel_size + 1
        weights += filters * (channels * network.kernel_size**2 + 1)
        outputs += filters * rows * columns
        if network.pooling:
            rows, columns = rows // 2, columns // 2
        channels = filters
    sizes = (rows * columns * channels, *network.dense, classes)
    weights += sum((inputs + 1) * units for inputs, units in pairwise(sizes))
    return _BYTES * (_COPIES_OF_WEIGHTS * weights + _COPIES_OF_OUTPUTS * outputs * batch_size)
