"""Whole recordings: written with FFmpeg's encoders, and read."""

from __future__ import annotations

import wave
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from data.audio.decoding import stream_segments

_CODECS = {
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".mp3": "libmp3lame",
    ".aiff": "pcm_s16be",
    ".au": "pcm_s16be",
}
_BLOCK = 4096  # samples of a frame for encoders that take any number


def read_segments(path: Path) -> npt.NDArray[np.int16]:
    """All segments of a recording. [shape=(n, 8000)]"""
    return np.concatenate(list(stream_segments(path)))


def read_wav(path: Path) -> tuple[npt.NDArray[np.int16], int]:
    """Samples and rate of a mono WAV file of 16 bits. [shape=(n,)]"""
    with wave.open(str(path)) as sound:
        return np.frombuffer(
            sound.readframes(sound.getnframes()), "<i2"
        ).copy(), sound.getframerate()


def noted_segments(path: Path) -> tuple[int, list[str]]:
    """The number of segments of a recording, and the notes on it."""
    notes: list[str] = []
    return sum(map(len, stream_segments(path, note=notes.append))), notes


def write_sound(
    path: Path,
    samples: npt.NDArray[np.generic],
    rate: int,
    codec: str | None = None,
    *,
    container: str | None = None,
    options: Mapping[str, str] | None = None,
    codec_options: Mapping[str, str] | None = None,
    bit_rate: int | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Write a recording of any format that FFmpeg encodes.

    Args:
        path: of the file; its suffix names the container where `container` does not.
        samples: floats in [-1, 1], or integers that are written as they are: int16, or
            int32 of full scale. [shape=(n,) or (n, channels)]
        rate: in Hz.
        codec: FFmpeg's encoder; the usual one of the suffix if None.
        container: FFmpeg's muxer.
        options: of the muxer.
        codec_options: of the encoder.
        bit_rate: in bits a second.
        tags: of the file.
    """
    samples = samples.reshape(len(samples), -1)
    channels = samples.shape[1]
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}.get(channels, f"{channels}C")
    kinds = {"f": "dbl", "i2": "s16", "i4": "s32"}
    kind = kinds.get(samples.dtype.str[1:]) or kinds[samples.dtype.kind]
    dtype = {"dbl": np.float64, "s16": np.int16, "s32": np.int32}[kind]
    with av.open(str(path), "w", format=container, options=dict(options or {})) as output:
        output.metadata.update(tags or {})
        stream = output.add_stream(codec or _CODECS[path.suffix], rate=rate, layout=layout)
        stream.codec_context.options = dict(codec_options or {})
        if kind in {form.name for form in stream.codec_context.codec.audio_formats or ()}:
            stream.codec_context.format = av.AudioFormat(kind)
        if bit_rate:
            stream.bit_rate = bit_rate
        for part in _parts(samples):
            packed = np.ascontiguousarray(part, dtype).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format=kind, layout=layout)
            frame.sample_rate = rate
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _parts(samples: npt.NDArray[np.generic]) -> Iterator[npt.NDArray[np.generic]]:
    for begin in range(0, len(samples), _BLOCK):
        yield samples[begin : begin + _BLOCK]
