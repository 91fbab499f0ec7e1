"""Classical music: functional harmony, voice leading, breathing tempo, no drum kit.

Solo piano, a string quartet, a soloist with piano, an orchestra, a guitar or a
harpsichord: melodies over arpeggios, chorales and two-part counterpoint, with wide
dynamics and rubato.
"""

from __future__ import annotations

import numpy as np

from data.synthesis import instruments, mixing
from data.synthesis.drums import Groove, drum_kit
from data.synthesis.harmony import progressions
from data.synthesis.instruments import Voice
from data.synthesis.oscillators import SAMPLE_RATE, Float64
from data.synthesis.performance import Tempo, Tone
from data.synthesis.session import Session, choose, pick, tune

SETTINGS = {
    "piano": 0.27,
    "quartet": 0.2,
    "soloist": 0.15,
    "orchestra": 0.16,
    "guitar": 0.1,
    "harpsichord": 0.12,
}

MAJOR_PERIODS = progressions(
    "I IV V7 I I ii V7 I",
    "I vi ii V7 I IV V7 I",
    "I V7 I IV ii V7 vi IV",
    "I I IV I V7 I V7 I",
    "I iii vi IV ii V7 I V",
)
MINOR_PERIODS = progressions(
    "i iv V7 i bVI iio V7 i",
    "i bVII bVI V7 i iv V7 i",
    "i V7 i iv i iio V7 i",
    "i iv bVII bIII bVI iio V7 i",
)

TIMPANI: Groove = {"timpani": "x...x.xx"}
SINGING = ("x---x-x-", "x-x-x---", "x--xx---", "x-----x-", "x-------")
WALTZING = ("x---x-", "x-x-x-", "x-----", "x--xx-")
RUNNING = ("xxxxxxxxxxxxxxxx", "x---xxxxxxxxxxxx", "xxxxx---xxxxx---", "x-xxx-xxx-xxx-xx")


def classical(rng: np.random.Generator, seconds: int) -> Float64:
    """A classical track of `seconds` seconds, within -1 and 1. [shape=(seconds * 8000,)]"""
    setting = choose(rng, SETTINGS)
    strict = setting in ("harpsichord", "orchestra")
    bpm = rng.uniform(80.0, 126.0) if strict else rng.uniform(60.0, 112.0)
    tempo = Tempo(bpm, seconds, rng, rubato=0.03 if strict else rng.uniform(0.08, 0.2))
    minor = bool(rng.random() < 0.45)
    song = pick(rng, MINOR_PERIODS if minor else MAJOR_PERIODS)
    beats = 3 if setting != "harpsichord" and rng.random() < 0.3 else 4
    session = Session(rng, seconds, tempo, 55 + int(rng.integers(12)), song, beats)
    scale = "harmonic minor" if minor else "major"
    if setting in ("piano", "guitar"):
        _solo(session, scale, setting)
    elif setting == "harpsichord":
        _counterpoint(session, scale)
    elif setting == "soloist":
        _soloist(session, scale)
    else:
        _ensemble(session, scale, orchestra=setting == "orchestra")
    session.mix *= _dynamics(session)
    room = (1.2, 2.4) if setting == "orchestra" else (0.6, 1.8)
    return mixing.master(
        session.mix, rng, age=0.25, loudness=0.0, tone_db=(-3.0, 2.0, -13.0), room=room
    )


def _dynamics(session: Session) -> Float64:
    """Crescendo and diminuendo, between piano and forte over some seconds. [shape=(n,)]"""
    seconds = session.n / SAMPLE_RATE
    marks = np.arange(0.0, seconds + 4.0, 4.0)
    decibels = session.rng.uniform(-14.0, 0.0, len(marks))
    level: Float64 = np.interp(np.arange(session.n) / SAMPLE_RATE, marks, decibels)
    return 10.0 ** (level / 20.0)


def _melody(session: Session, scale: str, octave: int = 12) -> list[Tone]:
    rhythms, tonic = SINGING if session.beats == 4 else WALTZING, session.tonic + octave
    return tune(session, range(session.bars), tonic, scale, rhythms, leap=1.2, rest=0.08)


def _accompaniment(session: Session, centre: float, velocity: float) -> list[Tone]:
    """Broken chords over a bass note: Alberti figures, arpeggios or a waltz."""
    figure = pick(session.rng, ((0, 2, 1, 2), (0, 1, 2, 1), (0, 1, 2, 3)))
    steps = pick(session.rng, (2, 2, 4))
    voiced = session.voicings(centre)
    notes = []
    for bar, _, low in session.roots(36):
        chord = voiced[bar]
        first = bar * session.beats
        notes.append(Tone(first, session.beats * 0.9, low, velocity))
        if session.beats == 3:
            notes += [Tone(first + beat, 0.7, p, velocity * 0.7) for beat in (1, 2) for p in chord]
            continue
        for step in range(session.beats * steps):
            pitch = chord[figure[step % 4] % len(chord)]
            notes.append(Tone(first + step / steps, 1.2 / steps, pitch, velocity * 0.75))
    return notes


def _solo(session: Session, scale: str, setting: str) -> None:
    """Melody and accompaniment under two hands."""
    rng = session.rng
    voice = instruments.piano(rng)
    if setting == "guitar":
        voice = instruments.acoustic_guitar(rng, brightness=0.7)
    octave = 12 if setting == "piano" else 5
    notes = _melody(session, scale, octave) + _accompaniment(session, 52.0, 0.5)
    session.add(session.keys(voice, notes, 0.012), 1.0)


def _counterpoint(session: Session, scale: str) -> None:
    """Two voices that run in turn."""
    bars, tonic = range(session.bars), session.tonic
    upper = tune(session, bars, tonic + 7, scale, RUNNING, leap=1.0, rest=0.0)
    lower = tune(session, bars, tonic - 17, scale, SINGING, leap=1.0, rest=0.0)
    session.add(session.keys(instruments.harpsichord(session.rng), upper + lower, 0.008), 1.0)


def _soloist(session: Session, scale: str) -> None:
    """A violin, flute or clarinet sings over a piano."""
    rng = session.rng
    kinds = (instruments.strings(rng), instruments.flute(rng), instruments.reed(rng))
    session.add(session.line(pick(rng, kinds), _melody(session, scale), 0.015), 0.9)
    piano = session.keys(instruments.piano(rng), _accompaniment(session, 55.0, 0.7), 0.012)
    session.add(piano, 0.8)


def _ensemble(session: Session, scale: str, orchestra: bool) -> None:
    """Strings in four parts; the orchestra adds winds, octaves and timpani."""
    rng, beats = session.rng, session.beats
    voiced = session.voicings(57.0)
    short = bool(rng.random() < 0.35)
    for part in (1, 2):
        inner = [
            Tone(bar * beats + beat, 0.4 if short else 1.0, chord[part], 0.7)
            for bar, chord in enumerate(voiced)
            for beat in range(beats)
        ]
        voice = instruments.strings(rng)
        if short:  # spiccato
            voice = Voice(voice.onset, voice.body, attack=0.015, decay=0.3, sustain=0.3)
        session.add(session.line(voice, inner, 0.012), 0.5)
    bass = [
        Tone(bar * beats, beats * 0.95, 36 + (min(chord) - 36) % 12, 0.8)
        for bar, chord in enumerate(voiced)
    ]
    session.add(session.line(instruments.strings(rng, 0.6), bass, 0.015), 0.7)
    melody = _melody(session, scale)
    session.add(session.line(instruments.strings(rng), melody, 0.015), 0.9)
    if orchestra:
        winds = [note._replace(pitch=note.pitch + 12) for note in melody]
        session.add(session.line(instruments.flute(rng), winds, 0.02), 0.4)
        horns = [Tone(bar * beats, beats, max(chord), 0.7) for bar, chord in enumerate(voiced)]
        session.add(session.line(instruments.reed(rng), horns, 0.02), 0.5)
        if rng.random() < 0.4:
            cadences = [(bar, TIMPANI) for bar in range(session.bars) if bar % 4 == 3]
            session.add(session.drums(drum_kit(rng), cadences), 0.4)
