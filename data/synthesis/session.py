"""One excerpt of a song: its tempo, key, chords, sections and stems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from data.synthesis.drums import Groove, Kit, play_drums
from data.synthesis.harmony import Chord, Progression, voicings
from data.synthesis.mixing import levelled
from data.synthesis.oscillators import SAMPLE_RATE, Float64
from data.synthesis.performance import Tempo, Tone
from data.synthesis.rendering import Voice, sing, strike

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
