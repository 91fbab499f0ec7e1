"""Blues: twelve bars of dominant sevenths, a shuffle, and blue notes.

A walking or boogie bass, a backbeat under a swung ride, and a guitar, harmonica or
voice that calls and answers in the blues scale, bending into its notes.
"""

from __future__ import annotations

import numpy as np

from data.synthesis import instruments, mixing
from data.synthesis.drums import Groove, drum_kit
from data.synthesis.harmony import MINOR_BLUES, TWELVE_BAR_BLUES
from data.synthesis.oscillators import Float64
from data.synthesis.performance import Tempo, Tone
from data.synthesis.session import Session, choose, pick, tune

STYLES = {"shuffle band": 0.42, "acoustic": 0.2, "piano": 0.12, "blues-rock": 0.26}

# Eighths; the tempo's swing makes the shuffle.
SHUFFLE_GROOVE: Groove = {"kick": "x...x..o", "snare": "..x...x.", "ride": "x.xxx.xx"}
FLAT_TIRE_GROOVE: Groove = {"kick": "x.x.x.x.", "snare": ".oXo.oXo", "hat": "x.x.x.x."}
BRUSH_GROOVE: Groove = {"kick": "o...o...", "brush": "x.Xxx.Xx"}
ROCK_GROOVE: Groove = {"kick": "X...XX..", "snare": "..X...X.", "hat": "xxxxxxxx"}
STOMP: Groove = {"stomp": "X.x.X.x."}
TURNAROUND: Groove = {"kick": "X.....X.", "snare": "..X.xXXX"}

LICKS = ("..xxx-x-", "x-xxx---", ".xxxx-x-", "xxx-..x-", "x---....", "..x-xxx-", "x--xx---")


def blues(rng: np.random.Generator, seconds: int) -> Float64:
    """A blues track of `seconds` seconds, within -1 and 1. [shape=(seconds * 8000,)]"""
    style = choose(rng, STYLES)
    rock = style == "blues-rock"
    straight = rock and rng.random() < 0.5
    bpm = rng.uniform(100.0, 150.0) if rock else rng.uniform(72.0, 132.0)
    tempo = Tempo(bpm, seconds, rng, swing=0.5 if straight else rng.uniform(0.62, 0.69))
    song = MINOR_BLUES if rng.random() < 0.15 else pick(rng, TWELVE_BAR_BLUES)
    tonic = 60 + pick(rng, (4, 9, 7, 0, 2, 5, 10)) - 12 * int(rng.random() < 0.5)
    session = Session(rng, seconds, tempo, tonic, song)
    session.plan_sections(intro=0.15, chorus=0.4, breaks=0.2)
    _rhythm(session, style)
    _bass(session, style)
    _drums(session, style)
    _lead(session, style)
    return mixing.master(
        session.mix,
        rng,
        age=0.15 if rock else 0.4,
        loudness=1.3 if rock else 1.4,
        tone_db=(-0.5, -1.0, 0.5) if rock else (2.0, -2.0, -2.5),
        top_hz=(3100.0, 3800.0),
    )


def _rhythm(session: Session, style: str) -> None:
    """Boogie on the low strings, chords on the off-beat, or a piano doing both."""
    rng = session.rng
    if style == "piano" or (style == "shuffle band" and rng.random() < 0.3):
        piano = instruments.piano(rng, brightness=1.3)
        notes = _stabs(session) + (_boogie(session, 48) if style == "piano" else [])
        session.add(session.keys(piano, notes), 0.8)
    if style == "piano":
        return
    if style == "acoustic":
        guitar = instruments.acoustic_guitar(rng)
        stem = session.keys(guitar, _boogie(session, 45) + _stabs(session, 0.4), 0.01)
    else:
        guitar = instruments.electric_guitar(rng)
        boogie = style == "blues-rock" or rng.random() < 0.6
        stem = session.keys(guitar, _boogie(session, 45) if boogie else _stabs(session))
        drive = rng.uniform(4.0, 12.0) if style == "blues-rock" else rng.uniform(0.7, 3.5)
        stem = mixing.amplifier(stem, drive, rng.uniform(2400.0, 3600.0))
    session.add(stem, 1.1 if style == "blues-rock" else 0.9)


def _boogie(session: Session, lowest: int) -> list[Tone]:
    """Root and fifth, root and sixth (and seventh), two eighths each."""
    top = 10 if session.rng.random() < 0.4 else 7
    notes = []
    for bar, _, root in session.roots(lowest, without=["break"]):
        for eighth, upper in enumerate((7, 7, 9, 9, top, top, 9, 9)):
            beat = bar * 4 + eighth / 2
            strong = 0.9 if eighth % 2 == 0 else 0.65
            notes += [Tone(beat, 0.42, root, strong), Tone(beat, 0.42, root + upper, strong)]
    return notes


def _stabs(session: Session, velocity: float = 0.75) -> list[Tone]:
    """Seventh chords, short, behind the beat."""
    pattern = pick(session.rng, ((1.0, 3.0), (1.5, 3.5), (0.0, 1.5), (0.5, 1.5, 2.5, 3.5)))
    return [
        Tone(bar * 4 + beat, 0.4, pitch, velocity)
        for bar, chord in enumerate(session.voicings(60.0))
        for beat in pattern
        for pitch in chord
    ]


def _bass(session: Session, style: str) -> None:
    """Walking quarters: up the chord to the sixth and the seventh, and back."""
    rng = session.rng
    if style == "acoustic" and rng.random() < 0.75:
        return
    walk = pick(rng, ((0, 4, 7, 9), (0, 4, 7, 10), (0, 7, 10, 7), (0, 0, 7, 7)))
    notes = []
    for bar, chord, root in session.roots(33):
        for beat, interval in enumerate(walk if bar % 2 == 0 else walk[:1] + walk[:0:-1]):
            pitch = root + (chord.third if interval == 4 else interval)
            notes.append(Tone(bar * 4 + beat, 0.85, pitch, 0.85))
            if style == "blues-rock":
                notes.append(Tone(bar * 4 + beat + 0.5, 0.4, pitch, 0.7))
    voice = instruments.bass(rng, brightness=1.4 if style == "blues-rock" else 0.8)
    session.add(session.line(voice, notes), 0.55)


def _drums(session: Session, style: str) -> None:
    rng = session.rng
    if style == "acoustic":
        if rng.random() < 0.5:
            stomps = [(bar, STOMP) for bar in range(session.bars)]
            session.add(session.drums(drum_kit(rng), stomps), 0.5)
        return
    if style == "piano" and rng.random() < 0.4:
        return
    rock = style == "blues-rock"
    groove = SHUFFLE_GROOVE if rng.random() < 0.6 else FLAT_TIRE_GROOVE
    if rock:
        groove = ROCK_GROOVE
    elif rng.random() < 0.25:
        groove = BRUSH_GROOVE
    kit = drum_kit(rng, weight=1.3 if rock else 0.7, brightness=1.0 if rock else 0.8)
    bars = session.grooves({"verse": groove, "chorus": groove, "break": TURNAROUND})
    session.add(session.drums(kit, bars), 1.3 if rock else 0.8)


def _lead(session: Session, style: str) -> None:
    """Call and response in the blues scale; most long notes are bent into."""
    rng = session.rng
    kind = choose(rng, {"guitar": 0.45, "voice": 0.35, "harmonica": 0.2})
    if style == "piano" and rng.random() < 0.5:
        kind = "piano"
    top = session.tonic + (12 if kind != "voice" and session.tonic < 58 else 0)
    calls = [bar for bar in range(session.bars) if bar % 4 != 3 or rng.random() < 0.4]
    notes = tune(session, calls, top, "blues", LICKS, leap=1.6, rest=0.15, bend=0.35)
    if kind == "voice":
        voice = instruments.singer(rng, pick(rng, ("ae", "ao", "oa")), strength=1.2)
        stem = session.line(voice, notes, 0.02)
    elif kind == "harmonica":
        stem = session.line(instruments.harmonica(rng), notes, 0.02)
        stem = mixing.amplifier(stem, rng.uniform(1.0, 4.0), 2800.0)
    elif kind == "piano":
        stem = session.keys(instruments.piano(rng, 1.5), notes)
    elif style == "acoustic":
        stem = session.line(instruments.acoustic_guitar(rng), notes)
    else:
        stem = session.line(instruments.electric_guitar(rng, sustain=0.5), notes, 0.012)
        stem = mixing.amplifier(stem, rng.uniform(2.0, 9.0), rng.uniform(2200.0, 3400.0))
    session.add(stem, 0.75)
