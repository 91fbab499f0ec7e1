"""Drum kits, and grooves written as tablature.

A tab is one bar: its length gives the resolution (8 eighths, 12 triplets or 16
sixteenths), `x` is a hit, `X` an accent, `o` a ghost note and `.` a rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy import signal

from data.synthesis.oscillators import SAMPLE_RATE, Float64, noise
from data.synthesis.performance import Tempo, Tone

Groove = Mapping[str, str]
"""The tab of each drum."""
Kit = Mapping[str, tuple[Float64, ...]]
"""The samples of each drum: several takes of some, so that no two hits are alike."""

VELOCITIES = {"x": 0.75, "X": 1.0, "o": 0.3}


def drum_kit(rng: np.random.Generator, weight: float = 1.0, brightness: float = 1.0) -> Kit:
    """Draw a kit.

    Args:
        weight: 1 is a pop kit, less is lighter and shorter, more is heavier and longer.
        brightness: level of the cymbals and of the snare's wires.
    """
    boom = rng.uniform(0.09, 0.15) * weight
    wires = rng.uniform(0.06, 0.12) * weight
    skin = rng.uniform(160.0, 230.0)
    metal = rng.uniform(1800.0, 2800.0)
    shell = rng.uniform(0.3, 0.8)
    kick_hz = rng.uniform(45.0, 60.0)

    def snare() -> Float64:
        drum = _membrane(rng, skin, 60.0, 0.05 * weight, click=0.0) * shell
        rattle = _noise_hit(rng, 500.0, 3900.0, wires) * 0.4 * brightness
        hit = np.zeros(max(len(drum), len(rattle)))
        hit[: len(drum)] += drum
        hit[: len(rattle)] += rattle
        return hit

    kit: dict[str, tuple[Float64, ...]] = {
        "kick": (_membrane(rng, kick_hz, 110.0, boom, click=0.15 * brightness),),
        "clap": tuple(_noise_hit(rng, 900.0, 2600.0, 0.07) * 0.45 for _ in range(2)),
        "stick": (_noise_hit(rng, 1200.0, 3000.0, 0.012) * 0.5,),
        "stomp": (_membrane(rng, 70.0, 40.0, 0.06, click=0.05),),
        "timpani": (_membrane(rng, rng.uniform(70.0, 110.0), 6.0, 0.4, click=0.02),),
        "high tom": (_membrane(rng, 150.0, 50.0, 0.13 * weight, click=0.1),),
        "low tom": (_membrane(rng, 95.0, 50.0, 0.13 * weight, click=0.1),),
        "snare": tuple(snare() for _ in range(3)),
    }
    cymbals = {  # decay in seconds, level, lowest frequency in Hz, attack in seconds
        "hat": (rng.uniform(0.015, 0.035), 0.25, metal, 0.0005),
        "open hat": (rng.uniform(0.12, 0.25), 0.25, metal, 0.0005),
        "ride": (rng.uniform(0.15, 0.3), 0.13, metal, 0.0005),
        "crash": (rng.uniform(0.4, 0.8), 0.24, metal * 0.75, 0.0005),
        "brush": (rng.uniform(0.05, 0.09), 0.2, metal * 0.4, 0.02),
        "shaker": (0.03, 0.12, metal, 0.02),
    }
    for name, (decay, level, low_hz, attack) in cymbals.items():
        hits = (_noise_hit(rng, low_hz, 3900.0, decay, attack) for _ in range(3))
        kit[name] = tuple(hit * level * brightness for hit in hits)
    return kit


def _membrane(
    rng: np.random.Generator, hz: float, drop_hz: float, decay: float, click: float
) -> Float64:
    """A skin whose pitch falls by `drop_hz` onto `hz` while it rings for `decay` seconds."""
    time = np.arange(int(5.0 * decay * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = hz + drop_hz * np.exp(time / -0.025)
    skin = np.sin(2.0 * np.pi * np.cumsum(pitch) / SAMPLE_RATE) * np.exp(time / -decay)
    beater = rng.standard_normal(len(time)) * np.exp(time / -0.004)
    hit: Float64 = skin + click * beater
    return hit


def _noise_hit(
    rng: np.random.Generator, low_hz: float, high_hz: float, decay: float, attack: float = 0.0005
) -> Float64:
    """Noise of a band in Hz that dies away with `decay` seconds, of peak about 1."""
    n = int(5.0 * decay * SAMPLE_RATE) + 40
    time = np.arange(n) / SAMPLE_RATE
    swell = 1.0 - np.exp(time / -attack)
    return noise(rng, n, low_hz, high_hz) * (0.5 * np.exp(time / -decay) * swell)


def read_tab(tab: str, bar: int, beats: float = 4.0) -> list[tuple[float, float]]:
    """Beats and velocities of the hits of `tab` in bar number `bar` of `beats` beats."""
    step = beats / len(tab)
    return [
        (bar * beats + place * step, VELOCITIES[mark])
        for place, mark in enumerate(tab)
        if mark != "."
    ]


def play_drums(
    kit: Kit,
    bars: Iterable[tuple[int, Groove]],
    tempo: Tempo,
    n: int,
    rng: np.random.Generator,
    looseness: float = 0.004,
    beats: float = 4.0,
) -> Float64:
    """The drum stem: each numbered bar with the groove played in it. [shape=(n,)]"""
    hits: dict[str, list[Tone]] = {}
    for bar, groove in bars:
        for drum, tab in groove.items():
            strokes = read_tab(tab, bar, beats)
            hits.setdefault(drum, []).extend(Tone(b, 0.1, 60.0, v) for b, v in strokes)
    sound = np.zeros(n)
    for drum, notes in hits.items():
        part = tempo.perform(notes, rng, looseness)
        takes = kit[drum]
        for number, take in enumerate(takes):
            chosen = (np.arange(len(part.start)) % len(takes) == number) & (part.start < n)
            for begin, velocity in zip(part.start[chosen], part.velocity[chosen], strict=True):
                stroke = take[: n - begin]
                sound[begin : begin + len(stroke)] += velocity * stroke
    return sound


def envelope(stem: Float64, decay: float) -> Float64:
    """Envelope of a stem, 0 to 1, falling with `decay` seconds. [shape=(n,)]"""
    pole = np.exp(-1.0 / (decay * SAMPLE_RATE))
    level: Float64 = signal.lfilter([1.0 - pole], [1.0, -pole], np.abs(stem))
    level /= level.max() + 1e-9
    return level
