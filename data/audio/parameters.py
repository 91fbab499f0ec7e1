"""What a segment is and which features describe it; the defaults are the source dataset's.

Frames of `frame` samples begin every `hop` samples, those of the MFCCs and those of the
mel-spectrogram alike. As in pyAudioAnalysis, MFCC frames lie whole inside the segment; as in
librosa, mel frames are centred, so that the first and the last reach beyond its ends.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from data.audio.constants import MOST_ROW_VALUES, SAMPLE_RATE
from data.errors import DataError

Features = Literal["mfcc", "mel"]
KINDS: tuple[Features, ...] = ("mfcc", "mel")
FEATURE_NAMES: dict[Features, str] = {"mfcc": "MFCC statistics", "mel": "mel-spectrograms"}
FOREIGN_NAMES: dict[Features, str] = {"mfcc": "imported columns", "mel": "imported images"}
IMPORTED = ("arrays", "table")  # kinds of provenance of features that others have extracted
STATISTICS: tuple[dict[Features, str], ...] = (  # what classifiers read of ours, and of those
    {"mfcc": FEATURE_NAMES["mfcc"], "mel": "means and deviations of mel bands"},
    {"mfcc": FOREIGN_NAMES["mfcc"], "mel": "means and deviations of imported images"},
)
FEATURE_AXES: dict[Features, str] = {"mfcc": "statistics", "mel": "frames, bands"}  # of a row

LONGEST_SEGMENT = 60  # seconds
MFCC_FILTERS = 40
_FRAMES_A_SECOND = 20  # unless another length is asked for
_RATES = (8000, 48_000)  # Hz; at lower ones, MFCC filters would reach beyond the spectrum
_LEAST_FRAME = 16  # samples
_MOST_OVERLAP = 8  # frames that a sample is in


@dataclass(frozen=True)
class FeatureParameters:
    """Length of the segments and parameters of their features; made by `of` or `from_json`.

    Args:
        sample_rate: of the segments, in Hz.
        segment_samples: samples of a segment.
        frame_samples: samples of a frame.
        hop_samples: from the beginning of a frame to that of the next.
        mfccs: coefficients, of which there are means and standard deviations over the frames.
        mel_bands: of the mel-spectrogram.

    Raises:
        DataError: a value that is none, or that does not fit the others.
    """

    sample_rate: int = SAMPLE_RATE
    segment_samples: int = SAMPLE_RATE
    frame_samples: int = SAMPLE_RATE // _FRAMES_A_SECOND
    hop_samples: int = SAMPLE_RATE // _FRAMES_A_SECOND
    mfccs: int = 13
    mel_bands: int = 128

    @classmethod
    def of(
        cls,
        seconds: float = 1.0,
        rate: int = SAMPLE_RATE,
        mels: int = 128,
        mfcc: int = 13,
        frame: int | None = None,
        hop: int | None = None,
    ) -> Self:
        """The parameters that a user asks for.

        Args:
            seconds: of a segment.
            rate: of its samples, in Hz.
            mels: bands of the mel-spectrogram.
            mfcc: coefficients.
            frame: samples of a frame; 50 ms if None.
            hop: samples from frame to frame; those of a frame if None.

        Raises:
            DataError: as the class.
        """
        _check_whole("rate", rate, *_RATES, "samples a second")
        if type(seconds) not in (int, float) or not 0 < seconds <= LONGEST_SEGMENT:
            raise DataError(
                f"seconds must be a number above 0, at most {LONGEST_SEGMENT}. Received: "
                f"{seconds!r:.60}."
            )
        samples = seconds * rate
        if not math.isclose(samples, round(samples), rel_tol=1e-9):
            raise DataError(
                f"a segment must have a whole number of samples: {seconds:g} seconds at {rate} Hz "
                f"have {samples:g}. Choose other seconds or another rate."
            )
        frame = rate // _FRAMES_A_SECOND if frame is None else frame
        return cls(rate, round(samples), frame, frame if hop is None else hop, mfcc, mels)

    def __post_init__(self) -> None:
        _check_whole("rate", self.sample_rate, *_RATES, "samples a second")
        longest = LONGEST_SEGMENT * self.sample_rate
        _check_whole("a segment", self.segment_samples, _LEAST_FRAME, longest, "samples")
        frame = self.frame_samples
        _check_whole(
            "frame",
            frame,
            _LEAST_FRAME,
            self.segment_samples,
            "samples, no more than a segment has",
        )
        least = -(-frame // _MOST_OVERLAP)
        _check_whole("hop", self.hop_samples, least, frame, f"samples, for frames of {frame}")
        _check_whole("mfcc", self.mfccs, 1, MFCC_FILTERS, "coefficients")
        bins = frame // 2 + 1
        _check_whole(
            "mels",
            self.mel_bands,
            1,
            bins,
            f"bands, as frames of {frame} samples have {bins} frequencies",
        )
        if math.prod(self.mel_shape) > MOST_ROW_VALUES:
            raise DataError(
                f"a mel-spectrogram must have at most {MOST_ROW_VALUES:,} values. Received: "
                f"{self.mel_shape[0]:,} frames of {self.mel_bands}: use shorter segments, a longer "
                "hop or fewer mels."
            )

    @property
    def segment_seconds(self) -> float:
        """Length of a segment."""
        return self.segment_samples / self.sample_rate

    @property
    def mfcc_frames(self) -> int:
        """Frames that the MFCC statistics are of."""
        return 1 + (self.segment_samples - self.frame_samples) // self.hop_samples

    @property
    def mfcc_shape(self) -> tuple[int]:
        """Of a segment's MFCC statistics: all means, then all standard deviations."""
        return (2 * self.mfccs,)

    @property
    def mel_shape(self) -> tuple[int, int]:
        """Of a segment's mel-spectrogram: frames, bands."""
        padding = 2 * (self.frame_samples // 2)
        rest = self.segment_samples + padding - self.frame_samples
        return 1 + rest // self.hop_samples, self.mel_bands

    @property
    def shapes(self) -> dict[Features, tuple[int, ...]]:
        """Of a segment's features."""
        return {"mfcc": self.mfcc_shape, "mel": self.mel_shape}

    def to_json(self) -> str:
        """For a file; `from_json` reads it, and so do people."""
        plain: dict[str, Any] = {
            "sample_rate_hz": self.sample_rate,
            "segment_samples": self.segment_samples,
            "frame_samples": self.frame_samples,
            "mfcc": f"means, then standard deviations, of {self.mfccs} MFCCs over "
            f"{self.mfcc_frames} frames (pyAudioAnalysis)",
            "mel": f"{self.mel_bands} Slaney bands to {self.sample_rate / 2:g} Hz, hop "
            f"{self.hop_samples}, dB below the segment's maximum (librosa)",
        }
        if self != DOCUMENTED:  # files with these are older than the others
            plain |= {name: asdict(self)[name] for name in _FURTHER}
        return json.dumps(plain)

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The parameters that `to_json` wrote; None where a file says that they are not known.

        Raises:
            DataError: it wrote no such text.
        """
        try:
            plain = json.loads(text)
            if plain == {} or "imported" in plain:
                return None
            values = {name: plain[name] for name in _FURTHER if name in plain}
            values["sample_rate"] = plain["sample_rate_hz"]
            values |= {name: plain[name] for name in ("segment_samples", "frame_samples")}
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise DataError(f"{text!r:.100} says nothing of its features") from error
        return cls(**values)


def statistics_name(there: Container[Features], provenance: str) -> str:
    """What classifiers other than networks read where there are such features.

    Args:
        there: kinds of features that there are.
        provenance: kind of what they were made of.
    """
    names = STATISTICS[provenance in IMPORTED]
    return names["mfcc"] if "mfcc" in there else names["mel"]


def is_row_shape(kind: Features, shape: tuple[int, ...]) -> bool:
    """Whether a row of features of this kind may have a shape."""
    dimensions = len(FEATURE_AXES[kind].split(","))
    return len(shape) == dimensions and 0 < math.prod(shape) <= MOST_ROW_VALUES


def _check_whole(name: str, value: Any, least: int, most: int, unit: str) -> None:
    if type(value) is not int or not least <= value <= most:
        raise DataError(
            f"{name} must be a whole number from {least:,} to {most:,} ({unit}). Received: "
            f"{value!r:.60}."
        )


_FURTHER = ("hop_samples", "mfccs", "mel_bands")
DOCUMENTED = FeatureParameters()


def feature_names(parameters: FeatureParameters | None) -> dict[Features, str]:
    """What to call features: those whose parameters are not known may be anything."""
    return FOREIGN_NAMES if parameters is None else FEATURE_NAMES
