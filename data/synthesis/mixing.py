"""Amplifiers, levels, and mastering: reverberation, equalisers, limiting and noise."""

from __future__ import annotations

import numpy as np
from scipy import fft, signal

from data.synthesis.oscillators import SAMPLE_RATE, Float64, noise

_PIVOT_HZ = 700.0  # between bass and treble
_MID_HZ = 800.0
_MID_DAMPING = 1.5  # of a band of two octaves
_WALLS_HZ = 2000.0  # walls reflect best below


def amplifier(stem: Float64, drive: float, tone_hz: float) -> Float64:
    """A valve amplifier and its loudspeaker.

    Args:
        stem: the guitar's pickup. [shape=(n,)]
        drive: gain into the valves: 1 is warm, 4 crunches, 20 is heavily distorted.
        tone_hz: the loudspeaker's upper corner in Hz.
    """
    level = np.sqrt(np.mean(stem**2)) + 1e-9
    # Distortion makes harmonics: it runs at twice the rate so that they do not fold back.
    pushed = signal.resample_poly(stem / (3.0 * level), 2, 1, window=("kaiser", 4.0))
    tight = signal.butter(1, 90.0 + 10.0 * drive, "highpass", fs=2 * SAMPLE_RATE, output="sos")
    pushed = signal.sosfilt(tight, pushed)
    clipped = np.tanh(drive * pushed + 0.15) - np.tanh(0.15)
    sound = signal.resample_poly(clipped, 1, 2, window=("kaiser", 4.0))
    box = signal.butter(2, [80.0, min(tone_hz, 3900.0)], "bandpass", fs=SAMPLE_RATE, output="sos")
    amplified: Float64 = signal.sosfilt(box, sound)
    return amplified


def levelled(stem: Float64, level: float) -> Float64:
    """The stem scaled so that its RMS, where it sounds, is `level`."""
    sounding = stem[np.abs(stem) > 1e-4]
    return stem * (level / np.sqrt(np.mean(sounding**2))) if len(sounding) else stem


def master(
    mix: Float64,
    rng: np.random.Generator,
    *,
    age: float,
    loudness: float,
    tone_db: tuple[float, float, float],
    room: tuple[float, float] = (0.3, 1.2),
    top_hz: tuple[float, float] = (3200.0, 3900.0),
) -> Float64:
    """The finished recording of a mix, within -1 and 1. [shape=(n,)]

    Args:
        age: probability that it is an old or home-made recording: narrow and noisy.
        loudness: 0 keeps the dynamics, 2 limits them as loud masters do.
        tone_db: the genre's usual bass, middle and treble in dB.
        room: range of reverberation times in seconds.
        top_hz: range of the upper end of a good recording's band in Hz.
    """
    bass, mid, treble = tone_db
    old = rng.random() < age
    bass, mid = rng.normal(bass, 2.0), rng.normal(mid, 2.0)
    treble = rng.normal(treble - 2.0 if old else treble, 2.5)
    low_hz = rng.uniform(80.0, 220.0) if old else rng.uniform(25.0, 70.0)
    high_hz = rng.uniform(2200.0, 3400.0) if old else rng.uniform(*top_hz)
    saturation = rng.uniform(0.03, 0.55) * (0.8 if old else loudness)
    room_seconds, room_level = rng.uniform(*room), rng.uniform(0.1, 0.5)
    hiss_db = rng.uniform(-40.0, -26.0) if old else rng.uniform(-66.0, -50.0)
    peak = rng.uniform(0.35, 0.7) if old else rng.uniform(0.55, 0.98)

    sound = _reverberate(levelled(mix, 1.0), rng, room_seconds, room_level)
    sound = _equalise(sound, bass, mid, treble)
    sound /= np.sqrt(np.mean(sound**2)) + 1e-9
    if saturation:
        sound = np.tanh(sound * saturation) / saturation
    band = signal.butter(2, [low_hz, high_hz], "bandpass", fs=SAMPLE_RATE, output="sos")
    sound = signal.sosfilt(band, sound)
    sound /= np.sqrt(np.mean(sound**2)) + 1e-9
    sound = sound + noise(rng, len(sound), 300.0, high_hz) * 10.0 ** (hiss_db / 20.0)
    mastered: Float64 = sound * (peak / np.max(np.abs(sound)))
    return mastered


def _reverberate(sound: Float64, rng: np.random.Generator, seconds: float, wet: float) -> Float64:
    """Add a room's echoes, which fall by 60 dB in `seconds`, at the level `wet`."""
    length = int(seconds * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    echoes = noise(rng, length, 150.0, _WALLS_HZ) * np.exp(-6.9 * time / seconds)
    echoes[: int(0.012 * SAMPLE_RATE)] = 0.0
    echoes /= np.sqrt(np.sum(echoes**2)) + 1e-9
    size = fft.next_fast_len(len(sound) + length, real=True)
    room = fft.irfft(fft.rfft(sound, size) * fft.rfft(echoes, size), size)[: len(sound)]
    reverberant: Float64 = sound + wet * room
    return reverberant


def _equalise(sound: Float64, bass_db: float, mid_db: float, treble_db: float) -> Float64:
    """Shelves below and above `_PIVOT_HZ`, then a bell around `_MID_HZ`."""
    corner, centre = 2.0 * np.pi * _PIVOT_HZ, 2.0 * np.pi * _MID_HZ
    low, high = 10.0 ** (bass_db / 20.0), 10.0 ** (treble_db / 20.0)
    gain = 10.0 ** (mid_db / 40.0)
    shelves = ([high, low * corner], [1.0, corner])
    bell = (
        [1.0, _MID_DAMPING * gain * centre, centre**2],
        [1.0, _MID_DAMPING / gain * centre, centre**2],
    )
    for b, a in (shelves, bell):
        sound = signal.lfilter(*signal.bilinear(b, a, fs=SAMPLE_RATE), sound)
    return sound
