"""Tunes made of motifs, and strummed chords. Rhythms are written as tablature.

A rhythm tab is one bar: `x` starts a note, `-` holds it and `.` rests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data.synthesis.harmony import SCALES, scale_pitch
from data.synthesis.performance import Tone
from data.synthesis.session import Session, pick


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
    session: Session,
    bars: Iterable[int],
    tonic: int,
    scale: str,
    rhythms: Sequence[str],
    leap: float = 1.5,
    rest: float = 0.15,
    bend: float = 0.0,
) -> list[Tone]:
    """A tune in which a motif of two bars returns, changed to fit the chords.

    Args:
        bars: bars to play in.
        tonic: pitch that the tune moves around, in MIDI note numbers.
        scale: one of `SCALES`.
        rhythms: rhythm tabs to build the motif from.
        leap: standard deviation of the steps, in scale degrees.
        rest: probability that a bar is silent.
        bend: probability that a note is bent up to its pitch.
    """
    rng, beats = session.rng, float(session.beats)
    motif = [pick(rng, rhythms) for _ in range(2)]
    contour = rng.normal(0.0, leap, 64)
    size = len(SCALES[scale])
    notes = []
    degree = float(rng.integers(-1, 3))
    for bar in bars:
        if rng.random() < rest:
            continue
        tab = motif[bar % 2] if rng.random() < 0.75 else pick(rng, rhythms)
        classes = {tone % 12 for tone in session.chords[bar].tones(tonic)}
        for i, (position, held) in enumerate(read_rhythm(tab, beats)):
            step = contour[(bar % 2) * 16 + i] if rng.random() < 0.7 else rng.normal(0.0, leap)
            # A spring towards the middle keeps the tune within a voice's range.
            degree += step - 0.15 * (degree - 0.3 * size)
            nearby = [scale_pitch(tonic, scale, round(degree) + shift) for shift in (0, 1, -1)]
            fitting = [p for p in nearby if p % 12 in classes]
            strong = position % 1.0 == 0.0 or held >= 1.0
            pitch = fitting[0] if strong and fitting else nearby[0]
            bent = pick(rng, (1.0, 2.0)) if rng.random() < bend else 0.0
            velocity = 0.8 + 0.15 * (position == 0.0) + rng.normal(0.0, 0.06)
            notes.append(Tone(bar * beats + position, held * 0.92, pitch, velocity, bent))
    return notes


def strums(
    chords: Iterable[Sequence[int]],
    tab: str,
    spread: float,
    held: float,
    velocity: float,
    weaker: float,
) -> list[Tone]:
    """Strummed chords, one a bar, on the eighths that `tab` marks.

    Args:
        chords: pitches of each bar, in the order of the strings.
        spread: beats from one string to the next.
        held: beats that a stroke sounds.
        velocity: of strokes on the beat.
        weaker: by how much strokes off the beat are weaker.
    """
    return [
        Tone(bar * 4 + eighth / 2 + spread * i, held, pitch, velocity - weaker * (eighth % 2))
        for bar, chord in enumerate(chords)
        for eighth, mark in enumerate(tab)
        if mark == "x"
        for i, pitch in enumerate(chord)
    ]
