"""Which tune is played over the chords? Phrases of motifs, written as rhythm tablature.

A rhythm tab is one bar: `x` starts a note, `-` holds it and `.` rests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from data.synthesis.harmony import SCALES, Chord, scale_pitch
from data.synthesis.performance import Tone


def read_rhythm(tab: str, beats: float = 4.0) -> list[tuple[float, float]]:
    """Positions and durations in beats of the notes of a bar."""
    step = beats / len(tab)
    notes = []
    for place, mark in enumerate(tab):
        if mark == "x":
            held = len(tab[place + 1 :]) - len(tab[place + 1 :].lstrip("-"))
            notes.append((place * step, (1 + held) * step))
    return notes


def tune(
    rng: np.random.Generator,
    chords: Sequence[Chord],
    bars: Iterable[int],
    tonic: int,
    scale: str,
    rhythms: Sequence[str],
    beats: float = 4.0,
    leap: float = 1.5,
    rest: float = 0.15,
    bend: float = 0.0,
) -> list[Tone]:
    """A tune in which a motif of two bars returns, bent to fit the chords.

    Args:
        rng: the track's source of chance.
        chords: the chord of every bar.
        bars: bars to play in.
        tonic: pitch that the tune moves around, in MIDI note numbers.
        scale: one of `SCALES`.
        rhythms: rhythm tabs to build the motif from.
        beats: beats a bar.
        leap: standard deviation of the steps, in scale degrees.
        rest: probability that a bar is silent.
        bend: probability that a note is bent up to its pitch.
    """
    motif = [str(rng.choice(rhythms)) for _ in range(2)]
    contour = rng.normal(0.0, leap, 64)
    size = len(SCALES[scale])
    notes = []
    degree = float(rng.integers(-1, 3))
    for bar in bars:
        if rng.random() < rest:
            continue
        tab = motif[bar % 2] if rng.random() < 0.75 else str(rng.choice(rhythms))
        classes = {tone % 12 for tone in chords[bar].tones(tonic)}
        for i, (position, held) in enumerate(read_rhythm(tab, beats)):
            step = contour[(bar % 2) * 16 + i] if rng.random() < 0.7 else rng.normal(0.0, leap)
            # A spring towards the middle keeps the tune within a voice's range.
            degree += step - 0.15 * (degree - 0.3 * size)
            nearby = [scale_pitch(tonic, scale, round(degree) + shift) for shift in (0, 1, -1)]
            fitting = [p for p in nearby if p % 12 in classes]
            strong = position % 1.0 == 0.0 or held >= 1.0
            pitch = fitting[0] if strong and fitting else nearby[0]
            bent = float(rng.choice([1.0, 2.0])) if rng.random() < bend else 0.0
            velocity = 0.8 + 0.15 * (position == 0.0) + rng.normal(0.0, 0.06)
            notes.append(Tone(bar * beats + position, held * 0.92, pitch, velocity, bent))
    return notes
