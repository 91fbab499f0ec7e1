"""Plucked, struck, bowed, blown and sung voices, and how they play parts.

`sing` renders a monophonic part whole, with glides, vibrato and legato; `strike` renders
each key of a polyphonic part once and sounds it wherever it is played. The functions named
after instruments draw one of their kind each: no two pianos are alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from data.synthesis.oscillators import (
    SAMPLE_RATE,
    Float64,
    Intp,
    Reader,
    Spectrum,
    midi_to_hz,
    wavetables,
)
from data.synthesis.performance import Performance

VOWELS: dict[str, tuple[float, float, float]] = {  # first three formants in Hz
    "a": (750.0, 1250.0, 2600.0),
    "e": (500.0, 1800.0, 2500.0),
    "o": (450.0, 850.0, 2500.0),
    "u": (330.0, 900.0, 2300.0),
}


@dataclass(frozen=True)
class Voice:
    """An instrument's tone. Times are in seconds.

    Args:
        onset: timbre at the start of a note.
        body: timbre that it settles into.
        settling: time constant of that change.
        attack: time constant of the note's rise.
        decay: time constant of its fall towards `sustain`, at middle C; an octave higher
            falls faster by `decay_ratio`.
        sustain: level held after the decay, 0 to 1.
        release: time constant of the end.
        vibrato_hz, vibrato: rate in Hz and depth in semitones.
        glide: time constant in which a bent note reaches its pitch.
        detune: semitones of a second, beating oscillator; 0 for none.
        ring: seconds that a struck note sounds on after its written end.
    """

    onset: Spectrum
    body: Spectrum
    settling: float = 0.15
    attack: float = 0.004
    decay: float = 1.0
    decay_ratio: float = 1.0
    sustain: float = 0.0
    release: float = 0.05
    vibrato_hz: float = 5.5
    vibrato: float = 0.0
    glide: float = 0.05
    detune: float = 0.0
    ring: float = 0.15


def sing(voice: Voice, part: Performance, n: int) -> Float64:
    """A part in which each note ends the one before, as samples. [shape=(n,)]"""
    count = int(np.searchsorted(part.start, n))
    if count == 0:
        return np.zeros(n)
    start = part.start[:count]
    first = int(start[0])
    spans = np.diff(np.append(start, n))
    note: Intp = np.repeat(np.arange(count), spans)
    time = (np.arange(first, n) - start[note]) / SAMPLE_RATE
    held = part.length[:count][note] / SAMPLE_RATE
    pitch, velocity, bend = part.pitch[:count], part.velocity[:count], part.bend[:count]

    semitones = bend[note] * np.exp(time / -voice.glide) if np.any(bend) else np.zeros(len(time))
    if voice.vibrato:
        swell = np.minimum(time / 0.3, 1.0) * voice.vibrato
        semitones -= swell * np.sin(2.0 * np.pi * voice.vibrato_hz * np.arange(len(time)) / 8000)
    hz = midi_to_hz(pitch[note] - semitones)
    highest = midi_to_hz(pitch + np.maximum(-bend, 0.0))
    tone = _tone(voice, np.cumsum(hz) / SAMPLE_RATE, note, time, highest)

    level = _level(voice, pitch, note, time)
    level *= 1.0 - np.exp(time / -voice.attack)
    level *= np.exp(np.minimum((held - time) / voice.release, 0.0)) * velocity[note]
    # A few milliseconds of smoothing keep a cut note from clicking.
    smooth = np.exp(-1.0 / (0.002 * SAMPLE_RATE))
    sound = np.zeros(n)
    sound[first:] = tone * signal.lfilter([1.0 - smooth], [1.0, -smooth], level)
    return sound


def strike(voice: Voice, part: Performance, n: int) -> Float64:
    """A part whose notes ring together, as samples. [shape=(n,)]"""
    tail = int(voice.ring * SAMPLE_RATE)
    sound = np.zeros(n + tail + 1)
    end = np.minimum(part.start + part.length, n) + tail
    fade = np.exp(np.arange(tail) / (-voice.release * SAMPLE_RATE))
    fade[-40:] *= np.linspace(1.0, 0.0, 40)
    for pitch in np.unique(part.pitch):
        played = np.flatnonzero((part.pitch == pitch) & (part.start < n))
        if not len(played):
            continue
        key = _key(voice, np.array([pitch]), int((end - part.start)[played].max()))
        for i in played:
            begin, length = int(part.start[i]), int(end[i] - part.start[i])
            ringing = key[:length] * part.velocity[i]
            ringing[length - tail :] *= fade
            sound[begin : begin + length] += ringing
    return sound[:n]


def _key(voice: Voice, pitch: Float64, length: int) -> Float64:
    """One note held for `length` samples; `pitch` has one element."""
    time = np.arange(length) / SAMPLE_RATE
    note, hz = np.zeros(length, dtype=np.intp), midi_to_hz(pitch)
    tone = _tone(voice, time * hz[0], note, time, hz)
    struck: Float64 = tone * _level(voice, pitch, note, time) * (1.0 - np.exp(time / -voice.attack))
    return struck


def _tone(voice: Voice, cycles: Float64, note: Intp, time: Float64, hz: Float64) -> Float64:
    """The oscillators: each note's onset timbre settling into its body timbre."""
    onset, body = wavetables(hz, voice.onset), wavetables(hz, voice.body)
    reader = Reader(note, cycles)
    tone = reader.read(body)
    tone += np.exp(time / -voice.settling) * (reader.read(onset) - tone)
    if voice.detune:
        second = Reader(note, cycles * 2.0 ** (voice.detune / 12.0) + 0.37)
        tone = 0.6 * (tone + second.read(body))
    return tone


def _level(voice: Voice, pitch: Float64, note: Intp, time: Float64) -> Float64:
    """The fall of each note towards the level at which the voice sustains it."""
    decay = (voice.decay * voice.decay_ratio ** ((60.0 - pitch) / 12.0))[note]
    level: Float64 = voice.sustain + (1.0 - voice.sustain) * np.exp(time / -decay)
    return level


def rolloff(slope: float, cutoff_hz: float = 4000.0, pluck: float = 0.0) -> Spectrum:
    """Harmonics falling as k^-slope, and by 12 dB an octave above a cutoff.

    Args:
        slope: 1 is a sawtooth, 2 a triangle's softness.
        cutoff_hz: corner of the low-pass filter in Hz.
        pluck: where the string is plucked or struck, as a fraction of its length, which
            weakens the harmonics with a node there; 0 for none.
    """

    def spectrum(number: Float64, hz: Float64) -> Float64:
        amplitude = number**-slope / (1.0 + (hz / cutoff_hz) ** 2)
        return amplitude * np.abs(np.sin(np.pi * pluck * number)) if pluck else amplitude

    return spectrum


def hollow(slope: float, even: float) -> Spectrum:
    """Harmonics falling as k^-slope, the even ones scaled by `even`: reeds."""
    return lambda number, _: number**-slope * np.where(number % 2 == 0, even, 1.0)


def resonant(source: Spectrum, peaks_hz: tuple[float, ...], gain: float, width: float) -> Spectrum:
    """`source` through a body or a vocal tract with resonances.

    Args:
        source: the string's or the vocal folds' spectrum.
        peaks_hz: resonance frequencies in Hz; each is weaker than the one before.
        gain: amplitude of the first resonance over the floor of 1.
        width: bandwidth as a fraction of the frequency.
    """

    def spectrum(number: Float64, hz: Float64) -> Float64:
        tract = np.ones_like(hz)
        for order, peak in enumerate(peaks_hz):
            tract += gain * 0.6**order / (1.0 + ((hz - peak) / (width * peak)) ** 2)
        return source(number, hz) * tract

    return spectrum


def piano(rng: np.random.Generator, brightness: float = 1.0) -> Voice:
    """Hammer-struck strings: bright onset, mellow long body, faster decay upwards."""
    cutoff = rng.uniform(900.0, 1900.0) * brightness
    hammer = rng.uniform(0.09, 0.14)
    return Voice(
        onset=rolloff(1.1, cutoff * 1.6, hammer),
        body=rolloff(1.9, cutoff, hammer),
        settling=rng.uniform(0.08, 0.2),
        decay=rng.uniform(0.7, 1.4),
        decay_ratio=1.5,
        release=0.08,
        detune=rng.uniform(0.01, 0.05),
        ring=rng.uniform(0.15, 0.5),
    )


def harpsichord(rng: np.random.Generator) -> Voice:
    """Quill-plucked strings: thin, bright and short."""
    pluck = rng.uniform(0.12, 0.2)
    onset, body = rolloff(0.5, 3200.0, pluck), rolloff(0.8, 2400.0, pluck)
    return Voice(onset, body, decay=0.5, decay_ratio=1.4)


def acoustic_guitar(rng: np.random.Generator, brightness: float = 1.0) -> Voice:
    """Plucked strings on a wooden body (nylon when the brightness is low)."""
    body = (rng.uniform(100.0, 130.0), rng.uniform(200.0, 260.0), rng.uniform(400.0, 600.0))
    pluck = rng.uniform(0.12, 0.28)
    cutoff = rng.uniform(1200.0, 2200.0) * brightness
    return Voice(
        onset=resonant(rolloff(0.9, cutoff * 1.8, pluck), body, 1.5, 0.3),
        body=resonant(rolloff(1.7, cutoff, pluck), body, 1.5, 0.3),
        settling=rng.uniform(0.05, 0.12),
        attack=0.002,
        decay=rng.uniform(0.4, 0.9),
        decay_ratio=1.25,
        ring=0.2,
    )


def electric_guitar(rng: np.random.Generator, sustain: float = 0.0) -> Voice:
    """A magnetic pickup's plucked string; the amplifier is `mixing.amplifier`."""
    pluck = rng.uniform(0.1, 0.22)
    return Voice(
        onset=rolloff(0.8, rng.uniform(2000.0, 3200.0), pluck),
        body=rolloff(1.4, rng.uniform(1400.0, 2400.0), pluck),
        settling=0.12,
        attack=0.003,
        decay=rng.uniform(0.6, 1.2),
        decay_ratio=1.15,
        sustain=sustain,
        vibrato=rng.uniform(0.1, 0.3) if sustain else 0.0,
        vibrato_hz=rng.uniform(4.5, 6.5),
        glide=rng.uniform(0.04, 0.1),
        release=0.04,
    )


def bass(rng: np.random.Generator, brightness: float = 1.0, sustain: float = 0.25) -> Voice:
    """A bass string: upright when dull, picked or synthetic when bright."""
    cutoff = rng.uniform(300.0, 700.0) * brightness
    onset, body = rolloff(0.9, cutoff * 2.0), rolloff(1.3, cutoff)
    decay = rng.uniform(0.4, 0.9)
    return Voice(onset, body, 0.08, attack=0.005, decay=decay, sustain=sustain, release=0.03)


def strings(rng: np.random.Generator, brightness: float = 1.0) -> Voice:
    """Bowed strings: a sawtooth through a violin's body, with vibrato."""
    body = (rng.uniform(260.0, 320.0), rng.uniform(430.0, 560.0), rng.uniform(1000.0, 1500.0))
    timbre = resonant(rolloff(1.1, rng.uniform(1300.0, 2400.0) * brightness), body, 1.8, 0.25)
    return Voice(
        onset=timbre,
        body=timbre,
        attack=rng.uniform(0.04, 0.12),
        decay=3.0,
        sustain=0.85,
        release=rng.uniform(0.08, 0.2),
        vibrato=rng.uniform(0.1, 0.25),
        vibrato_hz=rng.uniform(4.8, 6.2),
        ring=0.35,
    )


def flute(rng: np.random.Generator) -> Voice:
    """A nearly pure tone with a soft start."""
    timbre = rolloff(rng.uniform(1.8, 2.4), 2500.0)
    return Voice(timbre, timbre, attack=0.05, sustain=0.9, release=0.08, vibrato=0.15)


def reed(rng: np.random.Generator) -> Voice:
    """Clarinet and oboe: odd harmonics lead."""
    timbre = hollow(rng.uniform(1.0, 1.4), rng.uniform(0.1, 0.7))
    return Voice(timbre, timbre, attack=0.03, sustain=0.9, release=0.06, vibrato=0.08)


def harmonica(rng: np.random.Generator) -> Voice:
    """A free reed close to a microphone: bright, bent, breathy at the edges."""
    timbre = resonant(hollow(0.8, 0.8), (rng.uniform(500.0, 900.0), 1800.0), 2.0, 0.4)
    return Voice(timbre, timbre, attack=0.03, sustain=0.85, release=0.05, vibrato=0.3, glide=0.09)


def singer(rng: np.random.Generator, vowels: str, strength: float = 1.0) -> Voice:
    """Vocal folds through formants, each note moving from one vowel to the other.

    Args:
        vowels: two of `VOWELS`.
        strength: above 1 the folds close harder, as in shouting.
    """
    source = rolloff(rng.uniform(0.9, 1.3) / strength, 3000.0)
    size = rng.uniform(0.92, 1.15)
    first, second = (tuple(size * formant for formant in VOWELS[vowel]) for vowel in vowels)
    return Voice(
        onset=resonant(source, first, 8.0, 0.13),
        body=resonant(source, second, 8.0, 0.13),
        settling=0.18,
        attack=rng.uniform(0.02, 0.05),
        decay=2.0,
        sustain=0.8,
        release=0.06,
        vibrato=rng.uniform(0.1, 0.35),
        vibrato_hz=rng.uniform(5.0, 6.5),
        glide=rng.uniform(0.04, 0.08),
    )


def synth(rng: np.random.Generator, cutoff_hz: float, attack: float, ring: float) -> Voice:
    """Two detuned sawtooths through a closing filter: pads, plucks and leads."""
    return Voice(
        onset=rolloff(rng.uniform(0.8, 1.1), cutoff_hz * rng.uniform(1.0, 2.0)),
        body=rolloff(rng.uniform(0.9, 1.3), cutoff_hz),
        settling=rng.uniform(0.1, 0.6),
        attack=attack,
        decay=2.0,
        sustain=0.7,
        release=ring / 2.0,
        detune=rng.uniform(0.05, 0.14),
        ring=ring,
    )
