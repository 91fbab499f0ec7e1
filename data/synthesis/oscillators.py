"""Band-limited tones and noise.

A tone is read from a wavetable: one period, built from exactly those harmonics that
fit under the Nyquist frequency at the note's pitch, so that there are no aliases.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import signal

SAMPLE_RATE = 8000  # Hz
CEILING_HZ = 3700.0  # highest harmonic: leaves room for vibrato below 4000 Hz
TABLE_SAMPLES = 2048

Float64 = npt.NDArray[np.float64]
Intp = npt.NDArray[np.intp]
Spectrum = Callable[[Float64, Float64], Float64]
"""Amplitudes of harmonics, given their numbers (1, 2, ...) and their frequencies in Hz."""


def midi_to_hz(pitch: Float64) -> Float64:
    """Frequency in Hz of MIDI note numbers (69 is A4, 440 Hz), in equal temperament."""
    return 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)


def wavetables(hz: Float64, spectrum: Spectrum) -> Float64:
    """One band-limited period for each highest frequency, of RMS 1.

    Its last sample repeats the first. [shape=(n, 2049), for hz of shape=(n,)]
    """
    number = np.arange(1.0, np.floor(CEILING_HZ / hz.min()) + 1.0)
    harmonic_hz = number * hz[:, None]
    amplitude = spectrum(number, harmonic_hz) * (harmonic_hz <= CEILING_HZ)
    coefficients = np.zeros((len(hz), TABLE_SAMPLES // 2 + 1), dtype=np.complex128)
    coefficients[:, 1 : len(number) + 1] = -1j * amplitude * (TABLE_SAMPLES / 2)
    tables = np.fft.irfft(coefficients, n=TABLE_SAMPLES, axis=1)
    tables /= np.sqrt(np.mean(tables**2, axis=1, keepdims=True)) + 1e-12
    return np.concatenate([tables, tables[:, :1]], axis=1)


class Reader:
    """Reads wavetables at given phases, with linear interpolation.

    Args:
        rows: which table each sample is read from. [shape=(n,)]
        cycles: phase in periods, growing without wrapping. [shape=(n,)]
    """

    def __init__(self, rows: Intp, cycles: Float64) -> None:
        position = (cycles - np.floor(cycles)) * TABLE_SAMPLES
        column = position.astype(np.intp)
        self._fraction = position - column
        self._index = rows * (TABLE_SAMPLES + 1) + column

    def read(self, tables: Float64) -> Float64:
        """Samples of `tables` [shape=(rows, 2049)] at the phases. [shape=(n,)]"""
        flat = tables.ravel()
        low = flat.take(self._index)
        return low + self._fraction * (flat.take(self._index + 1) - low)


def noise(rng: np.random.Generator, n: int, low_hz: float, high_hz: float) -> Float64:
    """`n` samples of noise between two frequencies in Hz, of RMS about 1."""
    edges = [low_hz, min(high_hz, 3950.0)]
    band = signal.butter(2, edges, "bandpass", fs=SAMPLE_RATE, output="sos")
    sound: Float64 = signal.sosfilt(band, rng.standard_normal(n))
    sound /= np.sqrt(np.mean(sound**2)) + 1e-12
    return sound
