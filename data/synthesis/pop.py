"""Pop: a loop of four chords, a produced beat, pads, bass and a singer.

Dance tracks pump under a four-on-the-floor kick, ballads rest on a piano, bands strum
clean guitars, and some lean to rock with crunching ones.
"""

from __future__ import annotations

import numpy as np

from data.synthesis import instruments, mixing
from data.synthesis.drums import Groove, drum_kit, envelope
from data.synthesis.harmony import progressions
from data.synthesis.oscillators import Float64
from data.synthesis.performance import Tempo, Tone
from data.synthesis.session import Session, choose, pick, read_rhythm, strums, tune

STYLES = {"dance": 0.33, "ballad": 0.18, "band": 0.25, "pop-rock": 0.24}

SONGS = progressions("I V vi IV", "vi IV I V", "I vi IV V", "IV I V vi", "I iii IV V", "ii V I vi")

FOUR_ON_THE_FLOOR: Groove = {
    "kick": "X...X...X...X...",
    "clap": "....x.......x...",
    "hat": "..x...x...x...x.",
    "open hat": "..o...o...o...o.",
}
SYNCOPATED: Groove = {
    "kick": "X.....x.x.x.....",
    "snare": "....X.......X..o",
    "hat": "x.x.x.x.x.x.x.xx",
}
STRAIGHT_BEAT: Groove = {"kick": "X..xX...", "snare": "..X...X.", "hat": "xxxxxxxx"}
SOFT_BEAT: Groove = {"kick": "x...x...", "stick": "..x...x.", "shaker": "xxxxxxxx"}
BREAK: Groove = {"clap": "..x...x.", "hat": "xxxxxxxx"}

VOCAL_RHYTHMS = (
    "x-x-x-x---x-x---",
    "..x-x-x--xx-x---",
    "x--x--x-x-x-----",
    "x---x-x-x---....",
    "x-xxx-x-x--x----",
    "....x-x-x-xxx---",
)
STRUMS = ("x.xx.xx.", "xxxxxxxx", "x..x..x.", "x.x.x.x.")


def pop(rng: np.random.Generator, seconds: int) -> Float64:
    """A pop track of `seconds` seconds, within -1 and 1. [shape=(seconds * 8000,)]"""
    style = choose(rng, STYLES)
    low, high = {"dance": (112, 132), "ballad": (66, 92), "band": (92, 128)}.get(style, (105, 145))
    tempo = Tempo(rng.uniform(low, high), seconds, rng)
    session = Session(rng, seconds, tempo, 55 + int(rng.integers(12)), pick(rng, SONGS))
    session.plan_sections(intro=0.3, chorus=0.5, breaks=0.2)
    drums = _drums(session, style)
    _harmony(session, style, drums)
    _bass(session, style)
    _vocals(session, style)
    session.add(drums, {"ballad": 0.8, "pop-rock": 1.7}.get(style, 2.2))
    rocking = style == "pop-rock"
    return mixing.master(
        session.mix,
        rng,
        age=0.06,
        loudness=0.8 if rocking else 0.4,
        tone_db=(2.0, -3.5, 3.0) if rocking else (4.0, -6.0, 3.0),
        room=(0.2, 0.7),
        top_hz=(3800.0, 3950.0),
    )


def _drums(session: Session, style: str) -> Float64:
    rng = session.rng
    groove = STRAIGHT_BEAT if rng.random() < 0.5 else SYNCOPATED
    if style == "dance":
        groove = FOUR_ON_THE_FLOOR
    elif style == "ballad":
        groove = SOFT_BEAT
    weight = {"pop-rock": 1.2, "ballad": 0.6}.get(style, 0.9)
    kit = drum_kit(rng, weight, brightness=rng.uniform(0.7, 1.4))
    ballad = style == "ballad"
    bars = session.grooves(
        {"verse": groove, "chorus": groove, "break": groove if ballad else BREAK}
    )
    if ballad:  # the first phrase is without drums
        bars = [(bar, of) for bar, of in bars if bar >= 4 or session.sections[bar] != "verse"]
    return session.drums(kit, bars)


def _harmony(session: Session, style: str, drums: Float64) -> None:
    """Pads, piano or guitars; what holds the chords depends on the style."""
    rng = session.rng
    voiced = session.voicings(62.0)
    if style in ("dance", "ballad") or rng.random() < 0.4:
        pad = instruments.synth(rng, rng.uniform(500.0, 2200.0), attack=0.06, ring=0.4)
        if style == "ballad" and rng.random() < 0.5:
            pad = instruments.strings(rng)
        held = [Tone(b * 4, 3.9, p, 0.7) for b, chord in enumerate(voiced) for p in chord]
        stem = session.keys(pad, held)
        if style == "dance":
            # The compressor listens to the kick: the pumping of dance music.
            stem = stem * (1.0 - rng.uniform(0.5, 0.95) * envelope(drums, 0.09))
        session.add(stem, 0.6)
    if style == "dance":
        pluck = instruments.synth(rng, rng.uniform(1200.0, 3000.0), attack=0.003, ring=0.1)
        session.add(session.keys(pluck, _arpeggio(voiced, rng)), 0.6)
    elif style == "ballad":
        session.add(session.keys(instruments.piano(rng, 1.2), _broken(voiced), 0.008), 1.1)
    elif style == "band":
        guitar = instruments.acoustic_guitar(rng, brightness=1.3)
        if rng.random() < 0.5:
            guitar = instruments.electric_guitar(rng)
        tab = pick(rng, STRUMS)
        session.add(session.keys(guitar, strums(voiced, tab, 0.015, 0.45, 0.85, 0.2)), 0.9)
    else:
        guitar = instruments.electric_guitar(rng)
        chords = [(min(v) - 12, min(v) - 5, min(v)) for v in voiced]
        tab = pick(rng, STRUMS)
        stem = session.keys(guitar, strums(chords, tab, 0.015, 0.45, 0.85, 0.2))
        stem = mixing.amplifier(stem, rng.uniform(3.0, 9.0), rng.uniform(2500.0, 3600.0))
        session.add(stem, 1.4)


def _arpeggio(voiced: list[tuple[int, ...]], rng: np.random.Generator) -> list[Tone]:
    """Sixteenths or a syncopated figure, up an octave."""
    order = rng.integers(0, 3, 16)
    tab = pick(rng, ("xxxxxxxxxxxxxxxx", "x..x..x.x..x..x.", "x.xx.xx.x.xx.xx."))
    return [
        Tone(bar * 4 + step / 4, 0.22, chord[order[step] % len(chord)] + 12, 0.75)
        for bar, chord in enumerate(voiced)
        for step, mark in enumerate(tab)
        if mark == "x"
    ]


def _broken(voiced: list[tuple[int, ...]]) -> list[Tone]:
    """A ballad's piano: the chord on the beat, its tones in eighths, the root below."""
    notes = []
    for bar, chord in enumerate(voiced):
        notes += [Tone(bar * 4 + 2 * half, 1.9, min(chord) - 12, 0.8) for half in range(2)]
        for eighth in range(8):
            pitch = chord[(0, 1, 2, 1)[eighth % 4] % len(chord)]
            notes.append(Tone(bar * 4 + eighth / 2, 0.6, pitch, 0.7 if eighth % 4 else 0.9))
    return notes


def _bass(session: Session, style: str) -> None:
    """Roots: off the beat in dance music, eighths or a dotted figure elsewhere."""
    rng = session.rng
    tab = {"dance": "..x-..x-..x-..x-", "ballad": "x-------x-----x-"}.get(style, "")
    tab = tab or pick(rng, ("x-x-x-x-x-x-x-x-", "x--x--x-x--x--x-", "x-----x-x-------"))
    notes = [
        Tone(bar * 4 + position, held * 0.95, root, 0.85)
        for bar, _, root in session.roots(33, without=["intro", "break"])
        for position, held in read_rhythm(tab)
    ]
    voice = instruments.bass(rng, rng.uniform(0.8, 1.6), sustain=0.7)
    if style == "dance":
        voice = instruments.synth(rng, rng.uniform(300.0, 900.0), attack=0.005, ring=0.05)
    session.add(session.line(voice, notes), 1.2)


def _vocals(session: Session, style: str) -> None:
    """A singer in the verse, doubled a third above in some choruses."""
    rng = session.rng
    bars = [bar for bar, section in enumerate(session.sections) if section != "intro"]
    tonic = session.tonic + (0 if rng.random() < 0.5 else 5)
    notes = tune(session, bars, tonic, "major", VOCAL_RHYTHMS, leap=1.2, bend=0.1)
    if style == "dance" and rng.random() < 0.35:
        lead = instruments.synth(rng, rng.uniform(1500.0, 3000.0), attack=0.01, ring=0.1)
        session.add(session.line(lead, notes), 1.2)
        return
    singer = instruments.singer(rng, pick(rng, ("ae", "oa", "ue", "ea")))
    session.add(session.line(singer, notes, 0.012), 0.9)
    if rng.random() < 0.4:
        chorus = [
            note._replace(pitch=note.pitch + 4 - (session.tonic + note.pitch) % 2)
            for note in notes
            if session.sections[int(note.beat // 4)] == "chorus"
        ]
        session.add(session.line(instruments.singer(rng, "oa"), chorus, 0.02), 0.5)
