"""Scores in beats become notes in samples: straight, shuffled, or with rubato."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.synthesis.oscillators import SAMPLE_RATE, Float64, Intp

_PHRASE_BEATS = 16  # rubato slows down at the end of each phrase


class Tone(NamedTuple):
    """A note of a score.

    Args:
        beat: where it starts, in beats from the track's start.
        beats: how long it is held, in beats.
        pitch: MIDI note number.
        velocity: how hard it is played, 0 to 1.
        bend: semitones that the pitch starts below (+) or above (-) its goal.
    """

    beat: float
    beats: float
    pitch: float
    velocity: float = 0.8
    bend: float = 0.0


@dataclass(frozen=True)
class Performance:
    """Notes as they are played, by time; `start` and `length` in samples. [shape=(n,) each]"""

    start: Intp
    length: Intp
    pitch: Float64
    velocity: Float64
    bend: Float64


class Tempo:
    """Places beats in time.

    Args:
        bpm: beats a minute.
        swing: where within its beat an off-beat eighth falls, 0.5 (straight) to 0.75.
        rubato: strength of the tempo's drift and of the broadening at the end of each
            phrase; 0 keeps strict time.
    """

    def __init__(
        self,
        bpm: float,
        seconds: float,
        rng: np.random.Generator,
        swing: float = 0.5,
        rubato: float = 0.0,
    ) -> None:
        self.swing = swing
        self.beats = int(np.ceil(seconds * bpm / 60.0 * (1.0 + rubato))) + 1
        self._grid = np.arange(0.0, self.beats + 16.0, 0.25)
        place = (self._grid % _PHRASE_BEATS) / _PHRASE_BEATS
        broadening = np.clip(place - 0.8, 0.0, None) * 5.0 * rubato
        drift = np.convolve(rng.normal(0.0, rubato, len(self._grid)), np.ones(8) / 8.0, "same")
        pace = bpm * np.exp(drift - broadening)
        self._seconds = np.concatenate([[0.0], np.cumsum(15.0 / pace)[:-1]])

    def seconds(self, beats: Float64) -> Float64:
        """Times in seconds of positions in beats. [shape=(n,)]"""
        whole = np.floor(beats)
        within = beats - whole
        late = self.swing + (within - 0.5) / 0.5 * (1.0 - self.swing)
        swung = np.where(within < 0.5, within / 0.5 * self.swing, late)
        times: Float64 = np.interp(whole + swung, self._grid, self._seconds)
        return times

    def perform(
        self, notes: Iterable[Tone], rng: np.random.Generator, looseness: float = 0.006
    ) -> Performance:
        """The notes in samples, each up to a few `looseness` (seconds) early or late."""
        rows = np.array(sorted(notes), dtype=np.float64).reshape(-1, 5)
        start = self.seconds(rows[:, 0])
        held = self.seconds(rows[:, 0] + rows[:, 1]) - start
        played = np.clip(start + rng.normal(0.0, looseness, len(rows)), 0.0, None)
        order = np.argsort(played, kind="stable")
        rows = rows[order]
        touch = np.clip(rows[:, 3] * (1.0 + rng.normal(0.0, 0.08, len(rows))), 0.02, 1.2)
        return Performance(
            start=(played[order] * SAMPLE_RATE).astype(np.intp),
            length=np.maximum(held[order] * SAMPLE_RATE, 200.0).astype(np.intp),
            pitch=rows[:, 2],
            velocity=touch,
            bend=rows[:, 4],
        )
