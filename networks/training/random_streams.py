"""Random orders of rows and dropout masks.

They depend on a trial's seed and the epoch alone, so they are the same alone and in a
cohort, on any device, and when training resumes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

# The streams of `default_rng([seed, stream, ...])`; 0 is that of the initial weights.
_ROW_ORDER, _DROPOUT = 1, 2

# Wellons, "Prospecting for Hash Functions", 2018: the multipliers of lowbias32.
_MULTIPLIER_1 = 0x7FEB352D
_MULTIPLIER_2 = 0x846CA68B - 2**32  # as a signed number


def row_order(seed: int, epoch: int, rows: int) -> npt.NDArray[np.int64]:
    """The order of the train rows in an epoch (counted from 0). [shape=(rows,)]"""
    return np.random.default_rng([seed, _ROW_ORDER, epoch]).permutation(rows)


def dropout_keys(seed: int, epoch: int, layers: int) -> npt.NDArray[np.int32]:
    """The keys of each dropout layer in an epoch (counted from 0). [shape=(layers, 2)]"""
    words = np.random.SeedSequence([seed, _DROPOUT, epoch]).generate_state(2 * layers, np.uint32)
    return words.view(np.int32).reshape(layers, 2)


def dropout_threshold(rate: float) -> int:
    """What `dropout_mask` compares with so that a share of `rate` is dropped, 0 <= rate < 1."""
    return min(round((1.0 - rate) * 2**32), 2**32 - 1) - 2**31


def dropout_mask(
    key: torch.Tensor, rows_before: torch.Tensor, threshold: torch.Tensor, shape: tuple[int, ...]
) -> torch.Tensor:
    """Draw the mask of the units that dropout keeps in a batch.

    A counter-based generator: each unit of each row of an epoch has a number, and a
    hash of that number and the key decides. So every batch is drawn in one go, for
    many trials at once, and on any device alike.

    Args:
        key: of the layer and epoch, see `dropout_keys`. int32 [shape=(2,)]
        rows_before: rows of the epoch that came before this batch. int32 [shape=()]
        threshold: see `dropout_threshold`. int32 [shape=()]
        shape: of the batch, rows first.

    Returns:
        True where a unit is kept. [shape=shape]
    """
    units = int(np.prod(shape[1:]))
    # int32 arithmetic wraps round, and its shifts keep the sign: hence the masks.
    number = torch.arange(shape[0] * units, dtype=torch.int32, device=key.device).reshape(shape)
    x = (number + rows_before * units) ^ key[0]
    x = (x ^ ((x >> 16) & 0xFFFF)) * _MULTIPLIER_1
    x = (x ^ ((x >> 15) & 0x1FFFF)) + key[1]
    return x * _MULTIPLIER_2 < threshold
