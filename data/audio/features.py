"""MFCC statistics and mel-spectrograms of segments.

The formulas are those that made the source dataset: pyAudioAnalysis 0.3 for
the MFCC statistics, librosa for the mel-spectrograms. Both are computed for
whole batches in torch, so that the same code runs on a CPU and on a GPU.
Shapes, frames and rates are those of the `FeatureParameters`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.fft
import torch

from data.audio.constants import INT16_SCALE
from data.audio.parameters import DOCUMENTED, MFCC_FILTERS, FeatureParameters

_AMPLITUDE_FLOOR = 1e-10
_LOG_FLOOR = 2.220446049250313e-16  # float64 machine epsilon
_TOP_DB = 80.0

_BATCH = 256_000  # samples in frames computed at once: their working set (6 MB) stays in cache

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int16 = npt.NDArray[np.int16]


def mfcc_statistics(samples: Int16, parameters: FeatureParameters = DOCUMENTED) -> Float64:
    """Means and standard deviations of MFCCs over the frames of a segment.

    Args:
        samples: int16 segments. [shape=(n, segment_samples)]
        parameters: of the segments and MFCCs; by default 13 over 20 frames of 50 ms at 8 kHz.

    Returns:
        The means of each MFCC, then their population standard deviations. Silence gives
        -99.0018 in column 0. [shape=(n, 2 * mfccs)]

    Raises:
        ValueError: `samples` is not int16 of this shape.
    """
    shape = parameters.mfcc_shape
    return _in_batches(samples, mfcc_statistics_tensor, parameters, shape, np.float64)


def mel_spectrograms(samples: Int16, parameters: FeatureParameters = DOCUMENTED) -> Float32:
    """Mel-spectrograms in dB relative to the loudest cell of each segment.

    Args:
        samples: int16 segments. [shape=(n, segment_samples)]
        parameters: of the segments and spectrograms; by default 21 frames, 50 ms apart, at 8 kHz.

    Returns:
        Rows are time, columns mel bands up to half the sample rate, values in [-80, 0] dB.
        Silence gives zeros. [shape=(n, frames, mel_bands)]

    Raises:
        ValueError: `samples` is not int16 of this shape.
    """
    shape = parameters.mel_shape
    return _in_batches(samples, mel_spectrograms_tensor, parameters, shape, np.float32)


def mfcc_statistics_tensor(
    samples: torch.Tensor, parameters: FeatureParameters = DOCUMENTED
) -> torch.Tensor:
    """`mfcc_statistics` of an int16 tensor, on the tensor's own device, in float64."""
    bins = parameters.frame_samples // 2  # the last frequency, half the sample rate, is left out
    x = samples.to(torch.float64) / INT16_SCALE
    x = x - x.mean(dim=1, keepdim=True)
    x = x / (x.abs().amax(dim=1, keepdim=True) + _AMPLITUDE_FLOOR)
    frames = x.unfold(1, parameters.frame_samples, parameters.hop_samples)
    magnitude = _power(_rfft(frames)[..., :bins]).sqrt_() / bins
    energies = magnitude @ _constant(_mfcc_filters, parameters, samples.device)
    cepstra = torch.log10(energies + _LOG_FLOOR) @ _constant(_dct, parameters, samples.device)
    std, mean = torch.std_mean(cepstra, dim=1, correction=0)
    return torch.cat([mean, std], dim=1)


def mel_spectrograms_tensor(
    samples: torch.Tensor, parameters: FeatureParameters = DOCUMENTED
) -> torch.Tensor:
    """`mel_spectrograms` of an int16 tensor, on the tensor's own device, in float32."""
    y = samples.to(torch.float32) / INT16_SCALE
    half = parameters.frame_samples // 2  # centred frames: zeros before the first, after the last
    padded = torch.nn.functional.pad(y, (half, half))
    frames = padded.unfold(1, parameters.frame_samples, parameters.hop_samples)
    power = _power(_rfft(frames * _constant(_hann, parameters, samples.device)))
    mels = power @ _constant(_mel_filters, parameters, samples.device)
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
    compute: Callable[[torch.Tensor, FeatureParameters], torch.Tensor],
    parameters: FeatureParameters,
    shape: tuple[int, ...],
    dtype: type[np.floating[Any]],
) -> npt.NDArray[Any]:
    samples = np.asarray(samples)
    if samples.dtype != np.int16 or samples.shape[1:] != (parameters.segment_samples,):
        raise ValueError(
            f"samples must be int16 of shape (n, {parameters.segment_samples}), a row a segment of "
            f"{parameters.segment_seconds:g} s at {parameters.sample_rate} Hz. Received: "
            f"{samples.dtype} of shape {samples.shape}."
        )
    batch = max(1, _BATCH // (parameters.mfcc_frames * parameters.frame_samples))
    features = np.empty((len(samples), *shape), dtype=dtype)
    with torch.inference_mode():
        for begin in range(0, len(samples), batch):
            part = torch.from_numpy(np.ascontiguousarray(samples[begin : begin + batch]))
            features[begin : begin + batch] = compute(part, parameters).numpy()
    return features


@lru_cache(maxsize=32)
def _constant(
    make: Callable[[FeatureParameters], npt.NDArray[Any]],
    parameters: FeatureParameters,
    device: torch.device,
) -> torch.Tensor:
    return torch.from_numpy(make(parameters)).to(device)


def _mfcc_filters(parameters: FeatureParameters) -> Float64:
    """Triangular filters of pyAudioAnalysis: 13 linear and 27 logarithmic steps.

    Their edges do not depend on the sample rate. A bin k of n = frame // 2 stands for
    k / n * rate, twice its true frequency, as in the source. [shape=(n, 40)]
    """
    rate, bins = parameters.sample_rate, parameters.frame_samples // 2
    edges = np.empty(MFCC_FILTERS + 2)
    edges[:13] = 133.33 + np.arange(13) * 200.0 / 3.0
    edges[13:] = edges[12] * 1.0711703 ** np.arange(1, 30)
    bin_hz = np.arange(bins) / bins * rate
    filters = np.zeros((bins, MFCC_FILTERS))
    for i, (low, centre, high) in enumerate(zip(edges, edges[1:], edges[2:], strict=False)):
        height = 2.0 / (high - low)
        first, middle, last = (int(hz * bins / rate) for hz in (low, centre, high))
        rising = slice(first + 1, middle + 1)
        falling = slice(middle + 1, last + 1)
        filters[rising, i] = height / (centre - low) * (bin_hz[rising] - low)
        filters[falling, i] = height / (high - centre) * (high - bin_hz[falling])
    return filters


def _dct(parameters: FeatureParameters) -> Float64:
    """First rows of the orthonormal DCT-II, transposed. [shape=(40, mfccs)]"""
    n = np.arange(MFCC_FILTERS)[:, None]
    k = np.arange(parameters.mfccs)[None, :]
    matrix: Float64 = np.sqrt(2.0 / MFCC_FILTERS) * np.cos(np.pi * k * (2 * n + 1) / (2 * len(n)))
    matrix[:, 0] /= np.sqrt(2.0)
    return matrix


def _hann(parameters: FeatureParameters) -> Float32:
    """Periodic Hann window. [shape=(frame_samples,)]"""
    n = np.arange(parameters.frame_samples)
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * n / len(n))).astype(np.float32)


def _mel_filters(parameters: FeatureParameters) -> Float32:
    """Slaney's mel filters with area normalisation, from 0 Hz to half the sample rate.

    [shape=(frame_samples // 2 + 1, mel_bands)]

    Source: M. Slaney, Auditory Toolbox (1998), as in `librosa.filters.mel`.
    """
    hz_per_mel, break_hz, log_step = 200.0 / 3.0, 1000.0, np.log(6.4) / 27.0
    break_mel = break_hz / hz_per_mel
    rate, frame = parameters.sample_rate, parameters.frame_samples
    top_mel = break_mel + np.log(rate / 2 / break_hz) / log_step
    mels = np.linspace(0.0, top_mel, parameters.mel_bands + 2)
    linear = mels * hz_per_mel
    edges = np.where(mels < break_mel, linear, break_hz * np.exp(log_step * (mels - break_mel)))
    bin_hz = np.fft.rfftfreq(frame, 1 / rate)
    ramps = edges[:, None] - bin_hz[None, :]
    widths = np.diff(edges)[:, None]
    triangles = np.maximum(0.0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.ascontiguousarray((triangles * area[:, None]).T.astype(np.float32))
