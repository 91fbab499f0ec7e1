"""MFCC statistics and mel-spectrograms of one-second segments.

The formulas are those that made the source dataset: pyAudioAnalysis 0.3 for
the MFCC statistics, librosa for the mel-spectrograms. Both are computed for
whole batches in torch, so that the same code runs on a CPU and on a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
import torch

from data.audio.constants import INT16_SCALE, SAMPLE_RATE
from data.audio.parameters import DOCUMENTED

MEL_SHAPE, SEGMENT_SAMPLES = DOCUMENTED.mel_shape, DOCUMENTED.segment_samples

FRAME_SAMPLES = 400  # 50 ms
N_MFCC = 13

_N_BINS = FRAME_SAMPLES // 2  # bins 0..199 for the MFCCs; the mel uses 0..200
_N_MFCC_FILTERS = 40
_AMPLITUDE_FLOOR = 1e-10
_LOG_FLOOR = 2.220446049250313e-16  # float64 machine epsilon
_TOP_DB = 80.0

_BATCH = 32  # segments computed at once: their working set (0.2 MB each) stays in cache

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int16 = npt.NDArray[np.int16]


def mfcc_statistics(samples: Int16) -> Float64:
    """Means and standard deviations of 13 MFCCs over the 20 frames of a segment.

    Args:
        samples: int16 segments at 8 kHz. [shape=(n, 8000)]

    Returns:
        Columns 0-12 are the means of MFCC 0-12, columns 13-25 their population
        standard deviations. Silence gives -99.0018 in column 0. [shape=(n, 26)]

    Raises:
        ValueError: `samples` is not int16 of shape (n, 8000).
    """
    return _in_batches(samples, mfcc_statistics_tensor, DOCUMENTED.mfcc_shape, np.float64)


def mel_spectrograms(samples: Int16) -> Float32:
    """Mel-spectrograms in dB relative to the loudest cell of each segment.

    Args:
        samples: int16 segments at 8 kHz. [shape=(n, 8000)]

    Returns:
        Rows are time (50 ms), columns mel bands up to 4000 Hz, values in
        [-80, 0] dB. Silence gives zeros. [shape=(n, 21, 128)]

    Raises:
        ValueError: `samples` is not int16 of shape (n, 8000).
    """
    return _in_batches(samples, mel_spectrograms_tensor, MEL_SHAPE, np.float32)


def mfcc_statistics_tensor(samples: torch.Tensor) -> torch.Tensor:
    """`mfcc_statistics` of an int16 tensor, on the tensor's own device, in float64."""
    x = samples.to(torch.float64) / INT16_SCALE
    x = x - x.mean(dim=1, keepdim=True)
    x = x / (x.abs().amax(dim=1, keepdim=True) + _AMPLITUDE_FLOOR)
    frames = x.reshape(len(x), -1, FRAME_SAMPLES)
    magnitude = _power(_rfft(frames)[..., :_N_BINS]).sqrt_() / _N_BINS
    energies = magnitude @ _constant(_mfcc_filters, samples.device)
    cepstra = torch.log10(energies + _LOG_FLOOR) @ _constant(_dct, samples.device)
    std, mean = torch.std_mean(cepstra, dim=1, correction=0)
    return torch.cat([mean, std], dim=1)


def mel_spectrograms_tensor(samples: torch.Tensor) -> torch.Tensor:
    """`mel_spectrograms` of an int16 tensor, on the tensor's own device, in float32."""
    y = samples.to(torch.float32) / INT16_SCALE
    # The hop equals the frame, so centred frames are a reshape of the padded signal.
    half = FRAME_SAMPLES // 2
    frames = torch.nn.functional.pad(y, (half, half)).reshape(len(y), -1, FRAME_SAMPLES)
    power = _power(_rfft(frames * _constant(_hann, samples.device)))
    mels = power @ _constant(_mel_filters, samples.device)
    decibels = 10.0 * torch.log10(mels.clamp_min(_AMPLITUDE_FLOOR))
    decibels = decibels - decibels.amax(dim=(1, 2), keepdim=True)
    return decibels.clamp_min(-_TOP_DB)


def _rfft(frames: torch.Tensor) -> torch.Tensor:
    # The reference features contain their FFT's rounding noise: the logarithm of
    # an empty filter shows it. On a CPU pocketfft, which made them, is repeated.
    if frames.device.type == "cpu":
        spectrum: npt.NDArray[Any] = scipy.fft.rfft(frames.numpy())
        return torch.from_numpy(spectrum)
    on_device: torch.Tensor = torch.fft.rfft(frames)
    return on_device


def _power(spectrum: torch.Tensor) -> torch.Tensor:
    return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)


def _in_batches(
    samples: Int16,
    compute: Callable[[torch.Tensor], torch.Tensor],
    shape: tuple[int, ...],
    dtype: type[np.floating[Any]],
) -> npt.NDArray[Any]:
    samples = np.asarray(samples)
    if samples.dtype != np.int16 or samples.shape[1:] != (SEGMENT_SAMPLES,):
        raise ValueError(
            f"samples must be int16 of shape (n, {SEGMENT_SAMPLES}), one row a second at "
            f"{SAMPLE_RATE} Hz. Received: {samples.dtype} of shape {samples.shape}."
        )
    features = np.empty((len(samples), *shape), dtype=dtype)
    with torch.inference_mode():
        for begin in range(0, len(samples), _BATCH):
            part = torch.from_numpy(np.ascontiguousarray(samples[begin : begin + _BATCH]))
            features[begin : begin + _BATCH] = compute(part).numpy()
    return features


@lru_cache(maxsize=32)
def _constant(make: Callable[[], npt.NDArray[Any]], device: torch.device) -> torch.Tensor:
    return torch.from_numpy(make()).to(device)


def _mfcc_filters() -> Float64:
    """Triangular filters of pyAudioAnalysis: 13 linear and 27 logarithmic steps.

    A bin k stands for k / 200 * 8000 Hz, twice its true frequency, as in the
    source. [shape=(200, 40)]
    """
    edges = np.empty(_N_MFCC_FILTERS + 2)
    edges[:13] = 133.33 + np.arange(13) * 200.0 / 3.0
    edges[13:] = edges[12] * 1.0711703 ** np.arange(1, 30)
    bin_hz = np.arange(_N_BINS) / _N_BINS * SAMPLE_RATE
    filters = np.zeros((_N_BINS, _N_MFCC_FILTERS))
    for i, (low, centre, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        height = 2.0 / (high - low)
        first, middle, last = (int(hz * _N_BINS / SAMPLE_RATE) for hz in (low, centre, high))
        rising = slice(first + 1, middle + 1)
        falling = slice(middle + 1, last + 1)
        filters[rising, i] = height / (centre - low) * (bin_hz[rising] - low)
        filters[falling, i] = height / (high - centre) * (high - bin_hz[falling])
    return filters


def _dct() -> Float64:
    """First 13 rows of the orthonormal DCT-II, transposed. [shape=(40, 13)]"""
    n = np.arange(_N_MFCC_FILTERS)[:, None]
    k = np.arange(N_MFCC)[None, :]
    matrix: Float64 = np.sqrt(2.0 / _N_MFCC_FILTERS) * np.cos(
        np.pi * k * (2 * n + 1) / (2 * len(n))
    )
    matrix[:, 0] /= np.sqrt(2.0)
    return matrix


def _hann() -> Float32:
    """Periodic Hann window. [shape=(400,)]"""
    n = np.arange(FRAME_SAMPLES)
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * n / FRAME_SAMPLES)).astype(np.float32)


def _mel_filters() -> Float32:
    """Slaney's mel filters with area normalisation, 0-4000 Hz. [shape=(201, 128)]

    Source: M. Slaney, Auditory Toolbox (1998), as in `librosa.filters.mel`.
    """
    hz_per_mel, break_hz, log_step = 200.0 / 3.0, 1000.0, np.log(6.4) / 27.0
    break_mel = break_hz / hz_per_mel
    top_mel = break_mel + np.log(SAMPLE_RATE / 2 / break_hz) / log_step
    mels = np.linspace(0.0, top_mel, MEL_SHAPE[1] + 2)
    linear = mels * hz_per_mel
    edges = np.where(mels < break_mel, linear, break_hz * np.exp(log_step * (mels - break_mel)))
    bin_hz = np.linspace(0.0, SAMPLE_RATE / 2, FRAME_SAMPLES // 2 + 1)
    ramps = edges[:, None] - bin_hz[None, :]
    widths = np.diff(edges)[:, None]
    triangles = np.maximum(0.0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.ascontiguousarray((triangles * area[:, None]).T.astype(np.float32))
