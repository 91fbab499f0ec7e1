"""What makes it rock? Power chords on distorted guitars, driving eighths, heavy drums.

Riffs of the minor pentatonic scale, verses on muted strings that open up in the
chorus, breaks for the drums; some tracks are unplugged, or lean to blues or pop.
"""

from __future__ import annotations

import numpy as np

from data.synthesis import instruments, mixing
from data.synthesis.drums import Groove, drum_kit
from data.synthesis.harmony import TWELVE_BAR_BLUES, Chord, progression, scale_pitch
from data.synthesis.melody import read_rhythm, tune
from data.synthesis.oscillators import Float64
from data.synthesis.performance import Tempo, Tone
from data.synthesis.session import Session, choose

STYLES = {"driving": 0.38, "heavy": 0.2, "unplugged": 0.08, "pop-rock": 0.17, "blues-rock": 0.17}

SONGS = (
    progression("I bVII IV I"),
    progression("i bVI bVII i"),
    progression("I IV V IV"),
    progression("i bIII bVII IV"),
    progression("I I bVII IV"),
    progression("i i bVI bVII"),
)
POP_SONGS = (progression("I V vi IV"), progression("vi IV I V"))

EIGHTHS: Groove = {"kick": "X...X...", "snare": "..X...X.", "hat": "xxxxxxxx"}
PUSHED: Groove = {"kick": "X..x.xX.", "snare": "..X...X.", "open hat": "x.x.x.x."}
SIXTEENTHS: Groove = {
    "kick": "X.xxX.xxX.xxX.xx",
    "snare": "....X.......X...",
    "ride": "x.x.x.x.x.x.x.x.",
}
CHORUS: Groove = {"kick": "X..xXX..", "snare": "..X...X.", "crash": "x...x...", "ride": ".x.x.x.x"}
FILL: Groove = {
    "kick": "X...X...X...X...",
    "snare": "X..XX.XXxxxx....",
    "high tom": "........XXXX....",
    "low tom": "............XXXX",
}

MELODIES = ("x-x-x---", "x-xxx-x-", "..x-x-x-", "x---x-x-", "xxx-x---", "x------.")
SOLOS = ("xxxxxxxx", "x-xxx-xx", "x---xxxx", "xxx-xxx-", "x-----xx")


def rock(rng: np.random.Generator, seconds: int) -> Float64:
    """A rock track of `seconds` seconds, within -1 and 1. [shape=(seconds * 8000,)]"""
    style = choose(rng, STYLES)
    slow = style == "unplugged"
    swung = style == "blues-rock" and rng.random() < 0.35
    tempo = Tempo(
        bpm=rng.uniform(80.0, 120.0) if slow else rng.uniform(105.0, 165.0),
        seconds=seconds,
        rng=rng,
        swing=0.64 if swung else 0.5,
    )
    song = SONGS[int(rng.integers(len(SONGS)))]
    if style == "pop-rock":
        song = POP_SONGS[int(rng.integers(len(POP_SONGS)))]
    if style == "blues-rock":
        song = TWELVE_BAR_BLUES[int(rng.integers(3))]
    tonic = 52 + int(rng.integers(12))
    session = Session(rng, seconds, tempo, tonic, song)
    session.plan_sections(intro=0.3, chorus=0.5, breaks=0.3)
    _guitars(session, style)
    _bass(session, style)
    _drums(session, style)
    _lead(session, style)
    # Lean bass and much presence; crossovers meet the neighbours half-way.
    bass_db, mid_db, treble_db = {
        "pop-rock": (-2.5, -1.0, 4.0),
        "blues-rock": (-2.0, 1.0, 3.0),
    }.get(style, (-5.0, 1.0, 5.0))
    production = mixing.draw_production(
        rng,
        age=0.1,
        loudness={"unplugged": 0.8, "pop-rock": 1.4, "blues-rock": 1.5}.get(style, 2.0),
        bass_db=bass_db,
        mid_db=mid_db,
        treble_db=treble_db,
        room=(0.2, 0.9),
        top_hz=(3100.0, 3800.0),
    )
    return mixing.master(session.mix, production, rng)


def _power_chord(session: Session, chord: Chord) -> tuple[int, int, int]:
    root = 40 + (session.tonic + chord.root - 40) % 12
    return root, root + 7, root + 12


def _guitars(session: Session, style: str) -> None:
    rng = session.rng
    if style == "unplugged":
        guitar = instruments.acoustic_guitar(rng, brightness=1.3)
        session.add(session.keys(guitar, _strums(session), 0.008), 1.0)
        return
    drive = {"heavy": 18.0, "driving": 12.0, "blues-rock": 8.0, "pop-rock": 5.0}[style]
    drive *= rng.uniform(0.5, 1.5)
    guitar = instruments.electric_guitar(rng, sustain=0.3)
    riff = style in ("heavy", "blues-rock") or rng.random() < 0.3
    notes = _riff(session) if riff else _eighths(session)
    stem = mixing.amplifier(session.keys(guitar, notes, 0.005), drive, rng.uniform(2800, 3900))
    session.add(stem, rng.uniform(1.3, 2.0))


def _eighths(session: Session) -> list[Tone]:
    """Power chords: muted in the verse, ringing in the chorus."""
    rng = session.rng
    mutes = bool(rng.random() < 0.6)
    accents = ("x-------", "x--x--x-", "x-x-x-x-", "xxxxxxxx")[int(rng.integers(4))]
    notes = []
    for bar, chord in enumerate(session.chords):
        section = session.sections[bar]
        if section == "break":
            continue
        muted = section == "verse" and mutes
        driving = [(eighth / 2, 0.25 if muted else 0.5) for eighth in range(8)]
        for position, held in read_rhythm(accents) if section == "chorus" else driving:
            strong = 0.95 if position % 1.0 == 0.0 else 0.75
            notes += [
                Tone(bar * 4 + position, held, pitch, strong)
                for pitch in _power_chord(session, chord)
            ]
    return notes


def _riff(session: Session) -> list[Tone]:
    """A riff of single low notes and power chords, the same in every bar."""
    rng = session.rng
    degrees = rng.choice([0, 0, 0, 1, 2, 3, 4], 8)
    rhythm = ("x-xx-xx-", "xx-xx-x-", "x--x--xx", "xxxxx-x-", "x-x-xx-x")[int(rng.integers(5))]
    notes = []
    for bar, chord in enumerate(session.chords):
        section = session.sections[bar]
        if section == "break":
            continue
        root = _power_chord(session, chord)[0]
        for position, held in read_rhythm(rhythm):
            degree = int(degrees[int(position * 2)]) if position else 0
            pitch = scale_pitch(root, "minor pentatonic", degree)
            fifth = [pitch + 7] if position % 2.0 == 0.0 or section == "chorus" else []
            notes += [Tone(bar * 4 + position, held, p, 0.9) for p in (pitch, *fifth)]
    return notes


def _strums(session: Session) -> list[Tone]:
    """Open chords on six strings, down and up."""
    pattern = ("x.x.xx.x", "x.xx.xxx", "x...x.x.")[int(session.rng.integers(3))]
    notes = []
    for bar, chord in enumerate(session.chords):
        low, fifth, octave = _power_chord(session, chord)
        third = octave + (3 if "minor" in chord.quality else 4)
        for eighth, mark in enumerate(pattern):
            if mark == "x":
                strings = (low, fifth, octave, third, octave + 7)
                notes += [
                    Tone(bar * 4 + eighth / 2 + 0.02 * i, 0.7, pitch, 0.8 - 0.15 * (eighth % 2))
                    for i, pitch in enumerate(strings)
                ]
    return notes


def _bass(session: Session, style: str) -> None:
    """Eighths on the root, with the guitar."""
    rng = session.rng
    if style == "unplugged" and rng.random() < 0.5:
        return
    notes = []
    for bar, chord in enumerate(session.chords):
        if session.sections[bar] in ("break", "intro"):
            continue
        root = 28 + (session.tonic + chord.root - 28) % 12
        for eighth in range(8):
            leading = eighth == 7 and rng.random() < 0.3
            pitch = root + (7 if leading else 0)
            notes.append(Tone(bar * 4 + eighth / 2, 0.45, pitch, 0.9 - 0.15 * (eighth % 2)))
    session.add(session.line(instruments.bass(rng, brightness=1.8), notes), 0.55)


def _drums(session: Session, style: str) -> None:
    rng = session.rng
    if style == "unplugged" and rng.random() < 0.5:
        return
    weight = {"heavy": 1.6, "unplugged": 0.7, "pop-rock": 1.1}.get(style, 1.3)
    kit = drum_kit(rng, weight, brightness=rng.uniform(0.8, 1.5))
    verse = EIGHTHS if rng.random() < 0.6 else PUSHED
    if style == "heavy" and rng.random() < 0.5:
        verse = SIXTEENTHS
    grooves = {"verse": verse, "chorus": CHORUS, "break": FILL}
    bars = [
        (bar, grooves[section])
        for bar, section in enumerate(session.sections)
        if section in grooves
    ]
    session.add(session.drums(kit, bars), 1.6 if style == "heavy" else 1.4)


def _lead(session: Session, style: str) -> None:
    """A shouting singer, or a guitar solo."""
    rng = session.rng
    bars = session.bars_in("verse", "chorus")
    if style != "heavy" and rng.random() < 0.65:
        notes = tune(
            rng, session.chords, bars, session.tonic, "minor pentatonic", MELODIES, bend=0.2
        )
        voice = instruments.singer(rng, str(rng.choice(["ae", "ea", "oa"])), strength=1.5)
        stem = session.line(voice, notes, 0.015)
        stem = mixing.amplifier(stem, rng.uniform(0.8, 3.0), 3600.0)
    else:
        notes = tune(
            rng,
            session.chords,
            bars,
            session.tonic + 12,
            "minor pentatonic" if style != "blues-rock" else "blues",
            SOLOS,
            leap=1.3,
            rest=0.35,
            bend=0.25,
        )
        guitar = instruments.electric_guitar(rng, sustain=0.6)
        stem = mixing.amplifier(session.line(guitar, notes), rng.uniform(6.0, 20.0), 3300.0)
    session.add(stem, 0.7)
