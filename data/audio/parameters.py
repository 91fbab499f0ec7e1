"""What a segment is and which features describe it; the defaults are the source dataset's."""

from __future__ import annotations

from dataclasses import dataclass

from data.audio.constants import MEL_SHAPE, N_MFCC_STATISTICS, SAMPLE_RATE, SEGMENT_SAMPLES


@dataclass(frozen=True)
class FeatureParameters:
    """Length of the segments and shapes of their features.

    Args:
        sample_rate: of the segments, in Hz.
        segment_samples: samples of a segment.
        mfcc_shape: of a segment's MFCC statistics.
        mel_shape: of a segment's mel-spectrogram: frames, mel bands.
    """

    sample_rate: int = SAMPLE_RATE
    segment_samples: int = SEGMENT_SAMPLES
    mfcc_shape: tuple[int] = (N_MFCC_STATISTICS,)
    mel_shape: tuple[int, int] = MEL_SHAPE

    @property
    def segment_seconds(self) -> float:
        """Length of a segment."""
        return self.segment_samples / self.sample_rate


DOCUMENTED = FeatureParameters()
