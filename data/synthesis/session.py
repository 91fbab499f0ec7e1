"""What is being recorded? One excerpt of a song: its tempo, key, chords, form and stems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from data.synthesis.drums import Groove, Kit, play_drums
from data.synthesis.harmony import Chord, Progression
from data.synthesis.mixing import levelled
from data.synthesis.oscillators import SAMPLE_RATE, Float64
from data.synthesis.performance import Tempo, Tone
from data.synthesis.rendering import Voice, sing, strike


def choose(rng: np.random.Generator, odds: Mapping[str, float]) -> str:
    """One of the names, drawn by its odds (which need not sum to 1)."""
    weights = np.array(list(odds.values()))
    return list(odds)[int(rng.choice(len(weights), p=weights / weights.sum()))]


class Session:
    """A band in the studio, playing an excerpt from somewhere in a song.

    Args:
        rng: the track's source of chance.
        seconds: length of the excerpt.
        tempo: how beats fall in time.
        tonic: MIDI note number of the key's tonic, around middle C.
        song: the song's chords, one a bar; the excerpt starts at any of its phrases.
        beats: beats a bar.
        phrase: bars a phrase.

    Attributes:
        chords: the chord of every bar of the excerpt.
        sections: "intro", "verse", "chorus" or "break" for every bar.
        mix: the stems recorded so far. [shape=(n,)]
    """

    def __init__(
        self,
        rng: np.random.Generator,
        seconds: int,
        tempo: Tempo,
        tonic: int,
        song: Progression,
        beats: int = 4,
        phrase: int = 4,
    ) -> None:
        self.rng = rng
        self.tempo = tempo
        self.tonic = tonic
        self.beats = beats
        self.phrase = phrase
        self.n = seconds * SAMPLE_RATE
        self.bars = tempo.beats // beats + 1
        first = phrase * int(rng.integers(max(len(song) // phrase, 1)))
        self.chords: list[Chord] = [song[(first + bar) % len(song)] for bar in range(self.bars)]
        self.sections = ["verse"] * self.bars
        self.mix: Float64 = np.zeros(self.n)

    def plan_sections(self, intro: float, chorus: float, breaks: float) -> None:
        """Draw the form.

        Args:
            intro: probability that the excerpt begins with a sparse introduction.
            chorus: probability that a phrase is a chorus.
            breaks: probability that a phrase ends with a bar's break.
        """
        for begin in range(0, self.bars, self.phrase):
            section = "chorus" if self.rng.random() < chorus else "verse"
            if begin == 0 and self.rng.random() < intro:
                section = "intro"
            end = min(begin + self.phrase, self.bars)
            self.sections[begin:end] = [section] * (end - begin)
            if section != "intro" and self.rng.random() < breaks:
                self.sections[end - 1] = "break"

    def bars_in(self, *sections: str) -> list[int]:
        """Numbers of the bars of the named sections."""
        return [bar for bar, section in enumerate(self.sections) if section in sections]

    def line(self, voice: Voice, notes: Iterable[Tone], looseness: float = 0.006) -> Float64:
        """A stem of one melodic voice."""
        return sing(voice, self.tempo.perform(notes, self.rng, looseness), self.n)

    def keys(self, voice: Voice, notes: Iterable[Tone], looseness: float = 0.006) -> Float64:
        """A stem of notes that ring together."""
        return strike(voice, self.tempo.perform(notes, self.rng, looseness), self.n)

    def drums(self, kit: Kit, bars: Iterable[tuple[int, Groove]]) -> Float64:
        """A stem of drums: each numbered bar with its groove."""
        return play_drums(kit, bars, self.tempo, self.n, self.rng, beats=float(self.beats))

    def add(self, stem: Float64, level: float) -> None:
        """Add a stem to the mix, its RMS set to `level` give or take the mixer's taste."""
        self.mix += levelled(stem, level * 10.0 ** (self.rng.normal(0.0, 2.0) / 20.0))
