from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.audio.features import (
    mel_spectrograms,
    mel_spectrograms_tensor,
    mfcc_statistics,
    mfcc_statistics_tensor,
)
from data.audio.parameters import FeatureParameters

GOLDEN = np.load(Path(__file__).with_name("golden_features.npz"))


def test_mfcc_equals_the_reference() -> None:
    values = mfcc_statistics(GOLDEN["samples"])
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, GOLDEN["mfcc"], rtol=0, atol=1e-9)


def test_mel_equals_the_reference() -> None:
    values = mel_spectrograms(GOLDEN["samples"])
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, GOLDEN["mel"], rtol=0, atol=2e-3)


def test_silence() -> None:
    silence = np.zeros((1, 8000), dtype=np.int16)
    assert mfcc_statistics(silence)[0, 0] == pytest.approx(-99.0018, abs=1e-4)
    assert not mel_spectrograms(silence).any()


# Means and standard deviations of 20 MFCCs that pyAudioAnalysis 0.3.14 computes for half a second
# of `_noisy_chirp` at 16 kHz, in frames of 400 samples every 160.
_OF_PYAUDIOANALYSIS = [
    *(-2.472131e01, -8.523861e-01, -1.071467e-01, -2.004475e-01, -3.610897e-02, -9.635826e-02),
    *(-1.893112e-02, 3.819823e-01, -1.505384e-01, 1.250805e-01, -3.246527e-01, 1.791951e-01),
    *(-8.917087e-02, -7.995148e-02, 1.812499e-01, 3.585085e-04, 1.525933e-02, -6.300532e-02),
    *(2.077044e-01, -1.843365e-01, 1.882974e00, 1.659471e00, 1.303041e00, 9.964121e-01),
    *(7.554188e-01, 6.972467e-01, 5.366672e-01, 5.185403e-01, 4.307198e-01, 4.060657e-01),
    *(2.889022e-01, 2.697536e-01, 2.439438e-01, 2.701256e-01, 2.968894e-01, 1.888361e-01),
    *(2.192902e-01, 1.724809e-01, 1.535859e-01, 1.990285e-01),
]


def _noisy_chirp(samples: int) -> np.ndarray:
    t = np.arange(samples)
    return (9000 * np.sin(t * t * 1e-4) + 4 * (t * 7919 % 1009 - 504)).astype(np.int16)


def test_other_mfccs_equal_those_of_pyaudioanalysis() -> None:
    parameters = FeatureParameters.of(seconds=0.5, rate=16_000, mfcc=20, frame=400, hop=160)
    values = mfcc_statistics(_noisy_chirp(8000)[None], parameters)
    np.testing.assert_allclose(values, [_OF_PYAUDIOANALYSIS], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"seconds": 3, "mels": 64},
        {"seconds": 3, "rate": 22_050, "frame": 2048, "hop": 512},  # librosa's own, of GTZAN
        {"rate": 16_000, "frame": 400, "hop": 160, "mels": 80},
        {"rate": 11_025, "mels": 40},  # frames of 551 samples
        {"rate": 44_100, "frame": 1000, "hop": 333, "mels": 1},
        {"seconds": 0.1, "rate": 48_000, "frame": 4799, "mels": 2400},
    ],
)
@pytest.mark.filterwarnings("ignore:Empty filters")
def test_mel_spectrograms_equal_those_of_librosa(asked: dict[str, Any]) -> None:
    librosa = pytest.importorskip("librosa")
    parameters = FeatureParameters.of(**asked)
    rng = np.random.default_rng(1)
    n = parameters.segment_samples
    loud = rng.integers(-20_000, 20_000, (3, n)) * np.linspace(0.01, 1, n)
    samples = loud.astype(np.int16)
    power = librosa.feature.melspectrogram(
        y=samples.astype(np.float32) / 32768,
        sr=parameters.sample_rate,
        n_fft=parameters.frame_samples,
        hop_length=parameters.hop_samples,
        n_mels=parameters.mel_bands,
    )
    expected = [librosa.power_to_db(one, ref=np.max).T for one in power]
    found = mel_spectrograms(samples, parameters)
    assert found.shape == (3, *parameters.mel_shape)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("asked", [{"hop": 50}, {"seconds": 60, "mels": 8}])
def test_long_or_overlapping_frames_are_computed_in_parts(asked: dict[str, Any]) -> None:
    parameters = FeatureParameters.of(**asked)
    rng = np.random.default_rng(0)
    samples = rng.integers(-9000, 9000, (9, parameters.segment_samples)).astype(np.int16)
    for feature in (mfcc_statistics, mel_spectrograms):
        alone = np.concatenate([feature(samples[i : i + 1], parameters) for i in range(9)])
        np.testing.assert_allclose(feature(samples, parameters), alone, rtol=0, atol=1e-4)


def test_batches_equal_single_segments() -> None:
    rng = np.random.default_rng(0)
    samples = rng.integers(-9000, 9000, (75, 8000)).astype(np.int16)
    for feature, tolerance in ((mfcc_statistics, 1e-12), (mel_spectrograms, 1e-4)):
        one_by_one = np.concatenate([feature(samples[i : i + 1]) for i in range(len(samples))])
        np.testing.assert_allclose(feature(samples), one_by_one, rtol=0, atol=tolerance)


def test_no_segments_give_no_rows() -> None:
    nothing = np.empty((0, 8000), dtype=np.int16)
    assert mfcc_statistics(nothing).shape == (0, 26)
    assert mel_spectrograms(nothing).shape == (0, 21, 128)


@pytest.mark.parametrize(
    "samples", [np.zeros((2, 8000)), np.zeros((2, 7999), np.int16), np.zeros(8000, np.int16)]
)
def test_wrong_samples_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"int16 of shape \(n, 8000\).*Received"):
        mfcc_statistics(samples)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_agrees_with_the_cpu() -> None:
    rng = np.random.default_rng(0)
    samples = rng.integers(-9000, 9000, (64, 8000)).astype(np.int16)
    on_gpu = torch.from_numpy(samples).cuda()
    np.testing.assert_allclose(
        mfcc_statistics_tensor(on_gpu).cpu(), mfcc_statistics(samples), rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(
        mel_spectrograms_tensor(on_gpu).cpu(), mel_spectrograms(samples), rtol=0, atol=5e-3
    )


def test_tensor_forms_agree() -> None:
    samples = GOLDEN["samples"]
    tensor = torch.from_numpy(samples)
    np.testing.assert_allclose(
        mfcc_statistics_tensor(tensor).numpy(), mfcc_statistics(samples), atol=1e-12
    )
    np.testing.assert_allclose(
        mel_spectrograms_tensor(tensor).numpy(), mel_spectrograms(samples), atol=1e-4
    )
