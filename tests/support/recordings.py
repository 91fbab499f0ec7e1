"""Whole recordings."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.audio.decoding import stream_segments


def read_segments(path: Path) -> npt.NDArray[np.int16]:
    """All segments of a recording. [shape=(n, 8000)]"""
    return np.concatenate(list(stream_segments(path)))
