"""Rock: power chords on distorted guitars, driving eighths, heavy drums.

Riffs of the minor pentatonic scale, verses on muted strings that open up in the
chorus, breaks for the drums; some tracks are unplugged, or lean to blues or pop.
"""

from __future__ import annotations

import numpy as np

from data.synthesis import instruments, mixing
from data.synthesis.drums import Groove, drum_kit
from data.synthesis.harmony import TWELVE_BAR_BLUES, progressions, scale_pitch
from data.synthesis.oscillators import Float64
from data.synthesis.performance import Tempo, Tone
from data.synthesis.session import Session, choose, pick, read_rhythm, strums, tune

STYLES = {"driving": 0.38, "heavy": 0.2, "unplugged": 0.08, "pop-rock": 0.17, "blues-rock": 0.17}

SONGS = progressions(
    "I bVII IV I", "i bVI bVII i", "I IV V IV", "i bIII bVII IV", "I I bVII IV", "i i bVI bVII"
)
POP_SONGS = progressions("I V vi IV", "vi IV I V")


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
    bpm = rng.uniform(80.0, 120.0) if slow else rng.uniform(105.0, 165.0)
    tempo = Tempo(bpm, seconds, rng, swing=0.64 if swung else 0.5)
    song = pick(rng, SONGS)
    if style == "pop-rock":
        song = pick(rng, POP_SONGS)
    if style == "blues-rock":
        song = pick(rng, TWELVE_BAR_BLUES)
    session = Session(rng, seconds, tempo, 52 + int(rng.integers(12)), song)
    session.plan_sections(intro=0.3, chorus=0.5, breaks=0.3)
    _guitars(session, style)
    _bass(session, style)
    _drums(session, style)
    _lead(session, style)
    # Lean bass and much presence; crossovers meet the neighbours half-way.
    tones = {"pop-rock": (-2.5, -1.0, 4.0), "blues-rock": (-2.0, 1.0, 3.0)}
    return mixing.master(
        session.mix,
        rng,
        age=0.1,
        loudness={"unplugged": 0.8, "pop-rock": 1.4, "blues-rock": 1.5}.get(style, 2.0),
        tone_db=tones.get(style, (-5.0, 1.0, 5.0)),
        room=(0.2, 0.9),
        top_hz=(3100.0, 3800.0),
    )


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
    accents = pick(rng, ("x-------", "x--x--x-", "x-x-x-x-", "xxxxxxxx"))
    notes = []
    for bar, _, root in session.roots(40, without=["break"]):
        section = session.sections[bar]
        muted = section == "verse" and mutes
        driving = [(eighth / 2, 0.25 if muted else 0.5) for eighth in range(8)]
        for position, held in read_rhythm(accents) if section == "chorus" else driving:
            strong = 0.95 if position % 1.0 == 0.0 else 0.75
            power_chord = (root, root + 7, root + 12)
            notes += [Tone(bar * 4 + position, held, pitch, strong) for pitch in power_chord]
    return notes


def _riff(session: Session) -> list[Tone]:
    """A riff of single low notes and power chords, the same in every bar."""
    rng = session.rng
    degrees = rng.choice([0, 0, 0, 1, 2, 3, 4], 8)
    rhythm = pick(rng, ("x-xx-xx-", "xx-xx-x-", "x--x--xx", "xxxxx-x-", "x-x-xx-x"))
    notes = []
    for bar, _, root in session.roots(40, without=["break"]):
        for position, held in read_rhythm(rhythm):
            degree = int(degrees[int(position * 2)]) if position else 0
            pitch = scale_pitch(root, "minor pentatonic", degree)
            fifth = (
                [pitch + 7] if position % 2.0 == 0.0 or session.sections[bar] == "chorus" else []
            )
            notes += [Tone(bar * 4 + position, held, p, 0.9) for p in (pitch, *fifth)]
    return notes


def _strums(session: Session) -> list[Tone]:
    """Open chords on six strings, down and up."""
    tab = pick(session.rng, ("x.x.xx.x", "x.xx.xxx", "x...x.x."))
    chords = [
        (root, root + 7, root + 12, root + 12 + chord.third, root + 19)
        for _, chord, root in session.roots(40)
    ]
    return strums(chords, tab, 0.02, 0.7, 0.8, 0.15)


def _bass(session: Session, style: str) -> None:
    """Eighths on the root, with the guitar."""
    rng = session.rng
    if style == "unplugged" and rng.random() < 0.5:
        return
    notes = []
    for bar, _, root in session.roots(28, without=["break", "intro"]):
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
    bars = session.grooves({"verse": verse, "chorus": CHORUS, "break": FILL})
    session.add(session.drums(kit, bars), 1.6 if style == "heavy" else 1.4)


def _lead(session: Session, style: str) -> None:
    """A shouting singer, or a guitar solo."""
    rng = session.rng
    bars = [n for n, section in enumerate(session.sections) if section in ("verse", "chorus")]
    if style != "heavy" and rng.random() < 0.65:
        notes = tune(session, bars, session.tonic, "minor pentatonic", MELODIES, bend=0.2)
        voice = instruments.singer(rng, pick(rng, ("ae", "ea", "oa")), strength=1.5)
        stem = session.line(voice, notes, 0.015)
        stem = mixing.amplifier(stem, rng.uniform(0.8, 3.0), 3600.0)
    else:
        scale = "blues" if style == "blues-rock" else "minor pentatonic"
        tonic = session.tonic + 12
        notes = tune(session, bars, tonic, scale, SOLOS, leap=1.3, rest=0.35, bend=0.25)
        guitar = instruments.electric_guitar(rng, sustain=0.6)
        stem = mixing.amplifier(session.line(guitar, notes), rng.uniform(6.0, 20.0), 3300.0)
    session.add(stem, 0.7)
