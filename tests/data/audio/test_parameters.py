import json
from typing import Any

import pytest

from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.errors import DataError


def test_the_documented_parameters() -> None:
    assert FeatureParameters.of() == DOCUMENTED
    assert DOCUMENTED.segment_seconds == 1.0
    assert DOCUMENTED.mfcc_frames == 20
    assert DOCUMENTED.shapes == {"mfcc": (26,), "mel": (21, 128)}
    # What files say since there are any.
    assert json.loads(DOCUMENTED.to_json()) == {
        "sample_rate_hz": 8000,
        "segment_samples": 8000,
        "frame_samples": 400,
        "mfcc": "means, then standard deviations, of 13 MFCCs over 20 frames (pyAudioAnalysis)",
        "mel": "128 Slaney bands to 4000 Hz, hop 400, dB below the segment's maximum (librosa)",
    }


@pytest.mark.parametrize(
    ("asked", "samples", "frame", "hop", "mfcc", "mel"),
    [
        ({"seconds": 3, "mels": 64, "mfcc": 20}, 24_000, 400, 400, 40, (61, 64)),
        ({"rate": 16_000}, 16_000, 800, 800, 26, (21, 128)),
        ({"rate": 22_050}, 22_050, 1102, 1102, 26, (21, 128)),
        ({"rate": 11_025, "mels": 32}, 11_025, 551, 551, 26, (21, 32)),
        ({"rate": 22_050, "frame": 2048, "hop": 512}, 22_050, 2048, 512, 26, (44, 128)),
        ({"seconds": 0.5, "hop": 100}, 4000, 400, 100, 26, (41, 128)),
        ({"seconds": 1.1, "rate": 22_050}, 24_255, 1102, 1102, 26, (23, 128)),
    ],
)
def test_other_parameters(
    asked: dict[str, Any], samples: int, frame: int, hop: int, mfcc: int, mel: tuple[int, int]
) -> None:
    made = FeatureParameters.of(**asked)
    assert (made.segment_samples, made.frame_samples, made.hop_samples) == (samples, frame, hop)
    assert made.shapes == {"mfcc": (mfcc,), "mel": mel}
    assert FeatureParameters.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"seconds": 0}, "seconds must be a number above 0, at most 60. Received: 0."),
        ({"seconds": float("nan")}, "seconds must be a number above 0"),
        ({"seconds": "3"}, "seconds must be a number above 0"),
        ({"seconds": True}, "seconds must be a number above 0"),
        ({"seconds": 90}, "at most 60. Received: 90."),
        ({"seconds": 0.01}, "frame must be a whole number from 16 to 80 (samples, no more than"),
        ({"seconds": 1 / 3}, "0.333333 seconds at 8000 Hz have 2666.67"),
        ({"rate": 4000}, "rate must be a whole number from 8,000 to 48,000"),
        ({"rate": 8000.0}, "Received: 8000.0."),
        ({"frame": 9000}, "frame must be a whole number from 16 to 8,000"),
        ({"hop": 401}, "hop must be a whole number from 50 to 400 (samples, for frames of 400)"),
        ({"hop": 49}, "Received: 49."),
        ({"mfcc": 41}, "mfcc must be a whole number from 1 to 40 (coefficients). Received: 41."),
        ({"mfcc": 0}, "mfcc must be a whole number from 1 to 40"),
        ({"mels": 202}, "mels must be a whole number from 1 to 201 (bands, as frames of 400"),
        ({"seconds": 60, "hop": 50}, "Received: 9,601 frames of 128: use shorter segments"),
    ],
)
def test_what_cannot_be_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        FeatureParameters.of(**asked)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
