"""Recordings to one-second segments: decode, mix to mono, resample, cut.

Everything is read in blocks, so that the memory used does not depend on how
long a recording is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from data.audio.constants import INT16_SCALE
from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.errors import DataError
from data.files.plain import plain_file

_FORMATS = ("wav", "wave", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "snd")
AUDIO_SUFFIXES = frozenset(f".{name}" for name in _FORMATS)

_BLOCK_SECONDS = 30
_MAX_CHANNELS = 8
_LOWEST_RATE, _HIGHEST_RATE = 1000, 768_000  # Hz
# Sizes that streaming encoders write where they cannot know better.
_UNKNOWN_SIZES = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF - 36})
_CHUNK_SIZES = re.compile(r"(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)")
_RF64_FRAMES = re.compile(r"frame count (\d+) does not match value from 'ds64' chunk of (\d+)")

Int16 = npt.NDArray[np.int16]
Float64 = npt.NDArray[np.float64]


def stream_segments(
    path: Path,
    parameters: FeatureParameters = DOCUMENTED,
    note: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Int16]:
    """All whole segments of a recording, mono, in blocks of about 30 seconds.

    Errors may come after the first blocks: what is wrong with a recording shows
    only where it is reached.

    Args:
        path: WAV, FLAC, OGG, MP3, AIFF or AU file with 1 to 8 channels.
        parameters: sample rate and length of the segments.
        note: takes a sentence on what is odd about the recording.

    Yields:
        int16 segments. [shape=(k, parameters.segment_samples)]

    Raises:
        DataError: the file cannot be read, is no audio, is truncated, holds NaN
            or infinite samples or less than one second.
    """
    rest = np.empty(0, dtype=np.int16)
    found, segment_samples = 0, parameters.segment_samples
    for samples in _stream_samples(path, parameters.sample_rate):
        samples = np.concatenate([rest, samples])
        whole = len(samples) // segment_samples
        rest = samples[whole * segment_samples :]
        if whole:
            found += whole
            yield samples[: whole * segment_samples].reshape(whole, segment_samples)
    if not found:
        raise DataError(
            f"{path} holds {len(rest) / parameters.sample_rate:.2f} seconds; one segment of "
            f"{parameters.segment_seconds:g} is the least that can be used."
        )


def _stream_samples(path: Path, sample_rate: int) -> Iterator[Int16]:
    with _open(path) as sound:
        _check_format(path, sound)
        rate = sound.samplerate
        resample = soxr.ResampleStream(rate, sample_rate, 1, dtype="float64", quality="VHQ")
        frames_read = 0
        while True:
            try:
                block = sound.read(_BLOCK_SECONDS * rate, dtype="float64", always_2d=True)
            except soundfile.LibsndfileError as error:
                raise DataError(
                    f"{path} breaks off after {frames_read / rate:.1f} seconds "
                    f"({_reason(error)}): it is damaged; replace it or leave it out."
                ) from error
            last = len(block) < _BLOCK_SECONDS * rate
            _check_finite(path, block, frames_read, rate)
            frames_read += len(block)
            mono = block.mean(axis=1)
            if rate != sample_rate:
                mono = resample.resample_chunk(mono, last=last)
            yield np.clip(np.round(mono * INT16_SCALE), -32768, 32767).astype(np.int16)
            if last:
                break
        _check_whole(path, sound, frames_read)


def _open(path: Path) -> soundfile.SoundFile:
    try:
        with open(path, "rb", opener=plain_file) as file:
            if not file.read(1):
                raise DataError(f"{path} is empty (0 bytes): replace it or leave it out.")
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise DataError(
            f"{path} is no audio that can be decoded ({_reason(error)}): WAV, FLAC, OGG, MP3, "
            "AIFF and AU can."
        ) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _reason(error: soundfile.LibsndfileError) -> str:
    reason = str(error.error_string).removeprefix("Error : ").rstrip(". ")
    # libsndfile's message for a file that is not really an MP3.
    return "Format not recognised" if reason.startswith("File does not exist") else reason


def _check_format(path: Path, sound: soundfile.SoundFile) -> None:
    if not 1 <= sound.channels <= _MAX_CHANNELS:
        raise DataError(
            f"{path} has {sound.channels} channels; 1 to {_MAX_CHANNELS} can be mixed to mono."
        )
    if not _LOWEST_RATE <= sound.samplerate <= _HIGHEST_RATE:
        raise DataError(
            f"{path} claims a sample rate of {sound.samplerate} Hz; {_LOWEST_RATE} to "
            f"{_HIGHEST_RATE} Hz can be used."
        )
    # libsndfile silently reads less than the header announces; only its log shows it.
    for announced, present in _CHUNK_SIZES.findall(sound.extra_info):
        if int(announced) > int(present) and int(announced) not in _UNKNOWN_SIZES:
            raise DataError(
                f"{path} is truncated: its header promises {announced} bytes of sound, the file "
                f"holds {present}; replace it or leave it out."
            )
    if "lacks an end-of-stream bit" in sound.extra_info:
        raise DataError(
            f"{path} is truncated: its last page is missing; replace it or leave it out."
        )
    for present, announced in _RF64_FRAMES.findall(sound.extra_info):
        raise DataError(
            f"{path} is truncated: its header promises {announced} frames, the file holds "
            f"{present}; replace it or leave it out."
        )


def _check_finite(path: Path, block: Float64, frames_before: int, rate: int) -> None:
    usable = (np.abs(block) <= np.finfo(np.float32).max).all(axis=1)  # resampling adds them up
    if not usable.all():
        place = int(np.argmin(usable))
        raise DataError(
            f"{path} holds NaN or infinite samples, or larger ones than float32 has (the first at "
            f"{(frames_before + place) / rate:.2f} s): export it again from its source or leave it "
            "out."
        )


def _check_whole(path: Path, sound: soundfile.SoundFile, frames_read: int) -> None:
    missing = sound.frames - frames_read
    # The length of an MP3 without an index is an estimate.
    tolerated = max(sound.samplerate, sound.frames // 50) if sound.format == "MP3" else 0
    if missing > tolerated:
        raise DataError(
            f"{path} is truncated: its header promises {sound.frames / sound.samplerate:.1f} "
            f"seconds, {frames_read / sound.samplerate:.1f} are there; replace it or leave it out."
        )
