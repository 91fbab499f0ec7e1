"""Synthesised music of four genres: blues, classical, pop and rock.

A genre's module (`blues`, `classical`, `pop`, `rock`) draws a `session` (tempo, key,
chords from `harmony`, sections) and writes its tunes and `drums` in beats; `performance`
places them in time, `instruments` made of `oscillators` play them, and `mixing` masters
the recording.

A track depends on its genre, number and length alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from data.synthesis.blues import blues
from data.synthesis.classical import classical
from data.synthesis.oscillators import SAMPLE_RATE, Float64
from data.synthesis.pop import pop
from data.synthesis.rock import rock

ARRANGEMENTS: dict[str, Callable[[np.random.Generator, int], Float64]] = {
    "blues": blues,
    "classical": classical,
    "pop": pop,
    "rock": rock,
}


def synthesise(genre: str, number: int, seconds: int) -> npt.NDArray[np.int16]:
    """A track of synthesised music.

    Args:
        genre: "blues", "classical", "pop" or "rock".
        number: of the track; each number is another piece.
        seconds: its length.

    Returns:
        Mono at 8 kHz, one row a second. [shape=(seconds, 8000)]

    Raises:
        ValueError: an unknown genre, a negative number or less than a second.
    """
    if genre not in ARRANGEMENTS:
        raise ValueError(f"genre must be one of {', '.join(ARRANGEMENTS)}. Received: {genre!r}.")
    if number < 0 or seconds < 1:
        raise ValueError(
            f"number must be at least 0 and seconds at least 1. Received: {number}, {seconds}."
        )
    rng = np.random.default_rng([*genre.encode(), number])
    samples = np.round(ARRANGEMENTS[genre](rng, seconds) * 32767.0).astype(np.int16)
    return samples.reshape(seconds, SAMPLE_RATE)
