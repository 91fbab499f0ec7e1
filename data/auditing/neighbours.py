"""Distances between rows, and which rows to compare where there are too many for all pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from data.auditing.row_table import Int64

Float = npt.NDArray[np.floating]

EXACT_ROWS = 20_000  # up to which all rows are compared with all
_ROWS_A_CELL = 256  # on average
_VALUES_AT_ONCE = 2**21


def distances(z: Float, others: Float) -> Iterator[tuple[slice, Float]]:
    """Distances of rows to `others`: root mean square over their standardised features.

    Args:
        z: [shape=(n, d)]
        others: [shape=(m, d)]

    Yields:
        The place of a block in `z`, and its distances. [shape=(k, m)]
    """
    # |a - b|^2 as one product: (-2 a, |a|^2, 1) (b, 1, |b|^2).
    scale = 1 / math.sqrt(z.shape[1])
    z, others = z * z.dtype.type(scale), others * others.dtype.type(scale)
    factors = np.column_stack([others, np.ones(len(others), z.dtype), (others**2).sum(axis=1)]).T
    step = max(1, _VALUES_AT_ONCE // max(len(others), 1))
    for begin in range(0, len(z), step):
        block = z[begin : begin + step]
        ones = np.ones(len(block), z.dtype)
        found = np.column_stack([-2 * block, (block**2).sum(axis=1), ones]) @ factors
        np.maximum(found, 0, out=found)
        yield slice(begin, begin + len(block)), np.sqrt(found, out=found)


def apart(a: Float, b: Float) -> Float:
    """Distance of each row to the row beside it, as `distances` counts. [shape=(n,)]"""
    found: Float = np.sqrt(((a - b) ** 2).mean(axis=1))
    return found


def comparisons(z: Float, radius: float) -> Iterator[tuple[Int64, Int64]]:
    """Which rows to compare with which, so that no two within `radius` are missed.

    Up to `EXACT_ROWS` rows, all with all. More are divided into cells: each row belongs to
    the nearest of some random rows, the centres. A row is compared with its own cell, and
    with every other whose border, half-way between the two centres, is within `radius` of it.
    Time grows with n^1.5 or so, memory with n.

    Args:
        z: standardised features. [shape=(n, d)]
        radius: a distance, as `distances` counts.

    Yields:
        Numbers of some rows, and of the rows to compare each of them with.
    """
    n = len(z)
    if n <= EXACT_ROWS:
        yield np.arange(n), np.arange(n)
        return
    chosen = np.random.default_rng(0).choice(n, n // _ROWS_A_CELL, replace=False)
    centres = np.unique(z[chosen], axis=0)
    between = np.concatenate([found for _, found in distances(centres, centres)])
    np.fill_diagonal(between, np.inf)
    own = np.empty(n, dtype=np.int64)
    compared: list[list[Int64]] = [[] for _ in centres]
    for block, distance in distances(z, centres):
        place = np.arange(len(distance))
        own[block] = nearest = distance.argmin(axis=1)
        border = distance**2
        border -= border[place, nearest][:, None]
        border /= 2 * between[nearest]
        # The margin is for single precision.
        cells, rows = np.nonzero((border <= 1.01 * radius).T)
        for cell, part in grouped(cells, rows + block.start):
            compared[cell].append(part)
    for cell, members in grouped(own, np.arange(n)):
        yield np.concatenate(compared[cell]), members


def grouped(keys: Int64, values: Int64) -> Iterator[tuple[int, Int64]]:
    """The values of each key."""
    order = np.argsort(keys, kind="stable")
    found, begins = np.unique(keys[order], return_index=True)
    yield from zip(found.tolist(), np.split(values[order], begins[1:]), strict=True)
