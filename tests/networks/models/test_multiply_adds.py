"""What a network costs, beside what PyTorch counts while it computes."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from networks.models.build import build_model
from networks.models.config import CNNConfig, FFNConfig, NetworkConfig
from networks.models.multiply_adds import multiplications, training_multiplications, weights

CLASSES, ROWS = 5, 2


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (FFNConfig(), (26,)),
        (FFNConfig(hidden=(7,)), (26,)),
        (FFNConfig(), (40,)),
        (CNNConfig(filters=(4, 8), dense=(16,), padding=False), (21, 128)),
        (CNNConfig(filters=(4, 8), dense=(16, 3), padding=False, pooling=False), (21, 128)),
        (CNNConfig(filters=(4, 8), dense=(16, 3), padding=False), (61, 64)),
    ],
)
def test_multiplications_are_those_that_torch_counts(
    network: NetworkConfig, shape: tuple[int, ...]
) -> None:
    model = build_model(network, CLASSES, seed=0, input_shape=shape)
    kernels = [w for w in model.trainable_weights if len(w.shape) > 1]
    assert weights(network, CLASSES, shape) == sum(np.prod(kernel.shape) for kernel in kernels)
    x = torch.from_numpy(np.ones((ROWS, *shape), np.float32))
    with FlopCounterMode(display=False) as forward:
        loss = model(x, training=True).sum()
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    # torch counts two operations for each: a multiplication and an addition.
    last = (network.hidden if isinstance(network, FFNConfig) else network.dense)[-1] * CLASSES
    assert forward.get_total_flops() == 2 * ROWS * (multiplications(network, shape) + last)
    total = forward.get_total_flops() + backward.get_total_flops()
    assert total == 2 * ROWS * training_multiplications(network, CLASSES, shape)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_products_with_padding_do_not_count(kernel_size: int) -> None:
    # A convolution of ones with ones counts the products of each output.
    side = kernel_size
    first = conv2d(torch.ones(1, 21, 128), torch.ones(4, 1, side, side), padding="same")
    second = conv2d(torch.ones(4, 10, 64), torch.ones(8, 4, side, side), padding="same")
    third = conv2d(torch.ones(8, 5, 32), torch.ones(2, 8, side, side), padding="same")
    network = CNNConfig(filters=(4, 8, 2), kernel_size=kernel_size, dense=(16,))
    convolutions = int(first.sum()) + int(second.sum()) + int(third.sum())
    assert multiplications(network) == convolutions + 2 * 16 * 2 * 16
    total = 3 * (convolutions + 2 * 16 * 2 * 16 + 16 * CLASSES) - int(first.sum())
    assert training_multiplications(network, CLASSES) == total


def test_a_sum_by_hand() -> None:
    assert multiplications(FFNConfig(hidden=(3, 2))) == 26 * 3 + 3 * 2
    assert training_multiplications(FFNConfig(hidden=(3, 2)), 4) == 2 * 26 * 3 + 3 * (3 * 2 + 2 * 4)
