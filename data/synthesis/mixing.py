"""What does the studio do to the sound? Amplifiers, equalisers, rooms, tapes and levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

from data.synthesis.oscillators import SAMPLE_RATE, Float64, noise

MID_HZ = 800.0


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


def equalise(sound: Float64, bass_db: float, treble_db: float, pivot_hz: float = 700.0) -> Float64:
    """Raise or lower (in dB) what lies below and above `pivot_hz`."""
    corner = 2.0 * np.pi * pivot_hz
    low, high = 10.0 ** (bass_db / 20.0), 10.0 ** (treble_db / 20.0)
    b, a = signal.bilinear([high, low * corner], [1.0, corner], fs=SAMPLE_RATE)
    shelved: Float64 = signal.lfilter(b, a, sound)
    return shelved


def bell(sound: Float64, hz: float, gain_db: float, octaves: float = 2.0) -> Float64:
    """Raise or lower (in dB) a band of some octaves around a frequency in Hz."""
    centre, gain = 2.0 * np.pi * hz, 10.0 ** (gain_db / 40.0)
    damping = 2.0 ** (octaves / 2.0) - 2.0 ** (-octaves / 2.0)
    b, a = signal.bilinear(
        [1.0, damping * gain * centre, centre**2],
        [1.0, damping / gain * centre, centre**2],
        fs=SAMPLE_RATE,
    )
    peaked: Float64 = signal.lfilter(b, a, sound)
    return peaked


def reverberate(
    sound: Float64, rng: np.random.Generator, seconds: float, wet: float, damping_hz: float = 2000.0
) -> Float64:
    """Place the sound in a room.

    Args:
        sound: the dry sound. [shape=(n,)]
        rng: draws the room's reflections.
        seconds: reverberation time (a fall by 60 dB).
        wet: level of the room against the dry sound.
        damping_hz: what the walls reflect best lies below.
    """
    length = int(seconds * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    echoes = noise(rng, length, 150.0, damping_hz) * np.exp(-6.9 * time / seconds)
    echoes[: int(0.012 * SAMPLE_RATE)] = 0.0
    echoes /= np.sqrt(np.sum(echoes**2)) + 1e-9
    size = fft.next_fast_len(len(sound) + length, real=True)
    room = fft.irfft(fft.rfft(sound, size) * fft.rfft(echoes, size), size)[: len(sound)]
    reverberant: Float64 = sound + wet * room
    return reverberant


def levelled(stem: Float64, level: float) -> Float64:
    """The stem scaled so that its RMS, where it sounds, is `level`."""
    sounding = stem[np.abs(stem) > 1e-4]
    if not len(sounding):
        return stem
    scaled: Float64 = stem * (level / np.sqrt(np.mean(sounding**2)))
    return scaled


@dataclass(frozen=True)
class Production:
    """How a track was recorded and mastered.

    Args:
        bass_db, mid_db, treble_db: equaliser in dB.
        low_cut_hz, high_cut_hz: the band that the recording keeps.
        saturation: how hard the tape or the limiter is driven, 0 for not at all.
        room_seconds, room_level: reverberation.
        hiss_db: level of tape hiss or record noise under the music's RMS, in dB.
        peak: loudest sample against full scale, 0 to 1.
    """

    bass_db: float
    mid_db: float
    treble_db: float
    low_cut_hz: float
    high_cut_hz: float
    saturation: float
    room_seconds: float
    room_level: float
    hiss_db: float
    peak: float


def draw_production(
    rng: np.random.Generator,
    age: float,
    loudness: float,
    bass_db: float,
    mid_db: float,
    treble_db: float,
    room: tuple[float, float] = (0.3, 1.2),
    top_hz: tuple[float, float] = (3200.0, 3900.0),
) -> Production:
    """Draw a production.

    Args:
        rng: the track's source of chance.
        age: probability that it is an old or home-made recording: narrow and noisy.
        loudness: 0 keeps the dynamics, 2 limits them as loud masters do.
        bass_db, mid_db, treble_db: the genre's usual equalisation in dB; tastes vary around it.
        room: range of reverberation times in seconds.
        top_hz: range of the upper end of a good recording's band in Hz.
    """
    old = rng.random() < age
    return Production(
        bass_db=rng.normal(bass_db, 2.0),
        mid_db=rng.normal(mid_db, 2.0),
        treble_db=rng.normal(treble_db - 2.0 if old else treble_db, 2.5),
        low_cut_hz=rng.uniform(80.0, 220.0) if old else rng.uniform(25.0, 70.0),
        high_cut_hz=rng.uniform(2200.0, 3400.0) if old else rng.uniform(*top_hz),
        saturation=rng.uniform(0.03, 0.55) * (0.8 if old else loudness),
        room_seconds=rng.uniform(*room),
        room_level=rng.uniform(0.1, 0.5),
        hiss_db=rng.uniform(-40.0, -26.0) if old else rng.uniform(-66.0, -50.0),
        peak=rng.uniform(0.35, 0.7) if old else rng.uniform(0.55, 0.98),
    )


def master(mix: Float64, production: Production, rng: np.random.Generator) -> Float64:
    """The finished recording of a mix, within -1 and 1. [shape=(n,)]"""
    sound = levelled(mix, 1.0)
    sound = reverberate(sound, rng, production.room_seconds, production.room_level)
    sound = equalise(sound, production.bass_db, production.treble_db)
    sound = bell(sound, MID_HZ, production.mid_db)
    sound /= np.sqrt(np.mean(sound**2)) + 1e-9
    if production.saturation:
        sound = np.tanh(sound * production.saturation) / production.saturation
    edges = [production.low_cut_hz, production.high_cut_hz]
    band = signal.butter(2, edges, "bandpass", fs=SAMPLE_RATE, output="sos")
    sound = signal.sosfilt(band, sound)
    sound /= np.sqrt(np.mean(sound**2)) + 1e-9
    hiss = noise(rng, len(sound), 300.0, production.high_cut_hz)
    sound = sound + hiss * 10.0 ** (production.hiss_db / 20.0)
    mastered: Float64 = sound * (production.peak / np.max(np.abs(sound)))
    return mastered
