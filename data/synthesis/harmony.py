"""Scales, chords, progressions and voice leading.

Pitches are MIDI note numbers; a chord's root is given in semitones above the tonic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}
_INTERVALS: dict[str, tuple[int, ...]] = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "diminished": (0, 3, 6),
    "seventh": (0, 4, 7, 10),
    "minor seventh": (0, 3, 7, 10),
}
_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}


class Chord(NamedTuple):
    """A chord by its root in semitones above the tonic, and its quality."""

    root: int
    quality: str

    @property
    def third(self) -> int:
        """Semitones from the root to the third."""
        return _INTERVALS[self.quality][1]

    def tones(self, tonic: int) -> tuple[int, ...]:
        """Pitches in root position, from the root above `tonic` upwards."""
        return tuple(tonic + self.root + interval for interval in _INTERVALS[self.quality])


Progression = tuple[Chord, ...]


def progression(numerals: str) -> Progression:
    """Chords of a line such as "I7 V7 vi bVII iio", one a numeral.

    Capitals are major, small letters minor; 7 adds the minor seventh, o diminishes and b
    lowers the root by a semitone.
    """
    chords = []
    for numeral in numerals.split():
        letters = numeral.strip("b7o")
        quality = "minor" if letters.islower() else "major"
        if numeral.endswith("7"):
            quality = "minor seventh" if letters.islower() else "seventh"
        elif numeral.endswith("o"):
            quality = "diminished"
        chords.append(Chord(_DEGREES[letters.lower()] - numeral.startswith("b"), quality))
    return tuple(chords)


def progressions(*lines: str) -> tuple[Progression, ...]:
    """The progression of each line of numerals."""
    return tuple(map(progression, lines))


TWELVE_BAR_BLUES = progressions(
    "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",
    "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7",  # quick change
    "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 V7 I7 V7",
)
MINOR_BLUES = progression("i7 i7 i7 i7 iv7 iv7 i7 i7 V7 iv7 i7 V7")


def scale_pitch(tonic: int, scale: str, degree: int) -> int:
    """Pitch of a scale degree; 0 is the tonic, negative degrees lie below it."""
    steps = SCALES[scale]
    octave, step = divmod(degree, len(steps))
    return tonic + 12 * octave + steps[step]


def voicings(chords: Sequence[Chord], tonic: int, centre: float) -> list[tuple[int, ...]]:
    """Voice the chords so that every voice moves as little as it can.

    Args:
        chords: in the order in which they are played.
        tonic: any pitch of the tonic's pitch class.
        centre: pitch that the first chord lies around, and that later ones stay near.

    Returns:
        The pitches of every chord, sorted upwards.
    """
    voiced: list[tuple[int, ...]] = []
    for chord in chords:
        classes = chord.tones(tonic)
        goal = centre if not voiced else 0.7 * sum(voiced[-1]) / len(voiced[-1]) + 0.3 * centre
        inversions = []
        for lowest in classes:
            bottom = lowest + 12 * round((goal - 5.0 - lowest) / 12.0)
            inversions.append(tuple(sorted(bottom + (tone - bottom) % 12 for tone in classes)))
        voiced.append(min(inversions, key=lambda tones: abs(sum(tones) / len(tones) - goal)))
    return voiced
