"""Instruments play parts: lines of one voice, and notes that ring together.

`sing` renders a monophonic part whole, with glides, vibrato and legato; `strike`
renders each key of a polyphonic part once and sounds it wherever it is played.
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
