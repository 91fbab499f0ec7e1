"""Which pitches belong together? Scales, chords, progressions, voice leading.

Pitches are MIDI note numbers; a chord's root is given in semitones above the tonic.
"""

from __future__ import annotations

from typing import NamedTuple

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
}

QUALITIES: dict[str, tuple[int, ...]] = {
    "major": (0, 4, 7),
    "minor": (0, 3, 7),
    "diminished": (0, 3, 6),
    "seventh": (0, 4, 7, 10),
    "minor seventh": (0, 3, 7, 10),
    "power": (0, 7, 12),
}


class Chord(NamedTuple):
    """A chord by its root in semitones above the tonic, and its quality."""

    root: int
    quality: str

    def tones(self, tonic: int) -> tuple[int, ...]:
        """Pitches in root position, from the root above `tonic` upwards."""
        return tuple(tonic + self.root + interval for interval in QUALITIES[self.quality])


Progression = tuple[Chord, ...]


def progression(numerals: str) -> Progression:
    """Chords of a line such as "I V vi IV" or "I7 bVII i iio v5", one a numeral.

    Capitals are major, small letters minor; 7 adds the minor seventh, o diminishes, 5 makes
    a power chord and b lowers the root by a semitone.
    """
    return tuple(_chord(numeral) for numeral in numerals.split())


def _chord(numeral: str) -> Chord:
    degrees = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
    letters = numeral.strip("b75o")
    root = degrees[letters.lower()] - numeral.startswith("b")
    minor = letters.islower()
    if numeral.endswith("7"):
        return Chord(root, "minor seventh" if minor else "seventh")
    if numeral.endswith("o"):
        return Chord(root, "diminished")
    if numeral.endswith("5"):
        return Chord(root, "power")
    return Chord(root, "minor" if minor else "major")


TWELVE_BAR_BLUES = (
    progression("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7"),
    progression("I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7"),  # quick change
    progression("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 V7 I7 V7"),
)
MINOR_BLUES = progression("i7 i7 i7 i7 iv7 iv7 i7 i7 V7 iv7 i7 V7")


def scale_pitch(tonic: int, scale: str, degree: int) -> int:
    """Pitch of a scale degree; 0 is the tonic, negative degrees lie below it."""
    steps = SCALES[scale]
    octave, step = divmod(degree, len(steps))
    return tonic + 12 * octave + steps[step]


def nearest(pitch_class: int, near: float) -> int:
    """The pitch of a pitch class that lies closest to the pitch `near`."""
    return pitch_class + 12 * round((near - pitch_class) / 12.0)


def voicings(chords: Progression, tonic: int, centre: float) -> list[tuple[int, ...]]:
    """Voice the chords so that every voice moves as little as it can.

    Args:
        chords: one a bar, say.
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
        for lowest in range(len(classes)):
            bottom = nearest(classes[lowest], goal - 5.0)
            upper = (bottom + (tone - bottom) % 12 for tone in classes)
            inversions.append(tuple(sorted(upper)))
        voiced.append(min(inversions, key=lambda tones: abs(sum(tones) / len(tones) - goal)))
    return voiced
