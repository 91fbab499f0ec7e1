"""One excerpt of a song: its tempo, key, chords, sections, tunes and stems.

Rhythms are written as tablature, a bar each: `x` starts a note, `-` holds it and `.` rests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from data.synthesis.drums import Groove, Kit, play_drums
from data.synthesis.harmony import SCALES, Chord, Progression, scale_pitch, voicings
from data.synthesis.instruments import Voice, sing, strike
from data.synthesis.mixing import levelled
from data.synthesis.oscillators import SAMPLE_RATE, Float64
from data.synthesis.performance import Tempo, Tone

T = TypeVar("T")
_PHRASE = 4  # bars


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    """One of the options, each as likely as the others."""
    return options[int(rng.integers(len(options)))]


def choose(rng: np.random.Generator, odds: Mapping[str, float]) -> str:
    """One of the names, drawn by its odds (which need not sum to 1)."""
    weights = np.array(list(odds.values()))
    return list(odds)[int(rng.choice(len(weights), p=weights / weights.sum()))]


class Session:
    """The parts of a band that plays an excerpt from somewhere in a song.

    Args:
        tonic: MIDI note number of the key's tonic, around middle C.
        song: the song's chords, one a bar; the excerpt starts at any of its phrases.
        beats: beats a bar.

    Attributes:
        chords: the chord of every bar of the excerpt.
        sections: "intro", "verse", "chorus" or "break" for every bar.
        mix: the sum of the stems added so far. [shape=(n,)]
    """

    def __init__(
        self,
        rng: np.random.Generator,
        seconds: int,
        tempo: Tempo,
        tonic: int,
        song: Progression,
        beats: int = 4,
    ) -> None:
        self.rng = rng
        self.tempo = tempo
        self.tonic = tonic
        self.beats = beats
        self.n = seconds * SAMPLE_RATE
        self.bars = tempo.beats // beats + 1
        first = _PHRASE * int(rng.integers(max(len(song) // _PHRASE, 1)))
        self.chords = [song[(first + bar) % len(song)] for bar in range(self.bars)]
        self.sections = ["verse"] * self.bars
        self.mix: Float64 = np.zeros(self.n)

    def plan_sections(self, intro: float, chorus: float, breaks: float) -> None:
        """Draw the form.

        Args:
            intro: probability that the excerpt begins with a sparse introduction.
            chorus: probability that a phrase is a chorus.
            breaks: probability that a phrase ends with a bar's break.
        """
        for begin in range(0, self.bars, _PHRASE):
            section = "chorus" if self.rng.random() < chorus else "verse"
            if begin == 0 and self.rng.random() < intro:
                section = "intro"
            end = min(begin + _PHRASE, self.bars)
            self.sections[begin:end] = [section] * (end - begin)
            if section != "intro" and self.rng.random() < breaks:
                self.sections[end - 1] = "break"

    def roots(
        self, lowest: int, *, without: Sequence[str] = ()
    ) -> Iterator[tuple[int, Chord, int]]:
        """Each bar outside some sections, its chord, and its root in the octave from `lowest`."""
        for bar, chord in enumerate(self.chords):
            if self.sections[bar] not in without:
                yield bar, chord, lowest + (self.tonic + chord.root - lowest) % 12

    def voicings(self, centre: float) -> list[tuple[int, ...]]:
        """The pitches of each bar's chord, around `centre`."""
        return voicings(self.chords, self.tonic, centre)

    def line(self, voice: Voice, notes: Iterable[Tone], looseness: float = 0.006) -> Float64:
        """A stem of one melodic voice."""
        return sing(voice, self.tempo.perform(notes, self.rng, looseness), self.n)

    def keys(self, voice: Voice, notes: Iterable[Tone], looseness: float = 0.006) -> Float64:
        """A stem of notes that ring together."""
        return strike(voice, self.tempo.perform(notes, self.rng, looseness), self.n)

    def drums(self, kit: Kit, bars: Iterable[tuple[int, Groove]]) -> Float64:
        """A stem of drums: each numbered bar with its groove."""
        return play_drums(kit, bars, self.tempo, self.n, self.rng, beats=float(self.beats))

    def grooves(self, of: Mapping[str, Groove]) -> list[tuple[int, Groove]]:
        """Each bar with its section's groove; the drums pause in the other sections."""
        return [(bar, of[section]) for bar, section in enumerate(self.sections) if section in of]

    def add(self, stem: Float64, level: float) -> None:
        """Add a stem to the mix, its RMS about `level` (2 dB standard deviation)."""
        self.mix += levelled(stem, level * 10.0 ** (self.rng.normal(0.0, 2.0) / 20.0))


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
