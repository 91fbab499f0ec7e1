"""Everything that is left to chance after the initial weights.

It depends on a trial's seed and the epoch alone, so that a trial sees the same
alone, beside others and after a stop.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def row_order(seed: int, epoch: int, rows: int) -> npt.NDArray[np.int64]:
    """The order of the train rows in an epoch (counted from 0). [shape=(rows,)]"""
    return np.random.default_rng([seed, 1, epoch]).permutation(rows)
