from pathlib import Path

import numpy as np
import pytest
import torch

from data.audio.features import (
    mel_spectrograms,
    mel_spectrograms_tensor,
    mfcc_statistics,
    mfcc_statistics_tensor,
)

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
