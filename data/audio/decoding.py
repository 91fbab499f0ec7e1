"""Recordings to segments: decode with FFmpeg, mix to mono, resample, cut.

Everything is read in blocks, so that the memory used does not depend on how
long a recording is. What a file is shows in its content, not in its name.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import av
import numpy as np
import numpy.typing as npt
import soxr
from av.codec.codec import Properties

from data.audio.constants import INT16_SCALE
from data.audio.headers import FilePart, ogg_chain, stated_share, tag_length
from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.errors import DataError
from data.files.plain import plain_file

# Names of files that should be recordings, so that one is missed where it is none.
_FORMATS = (
    "3gp aac ac3 aif aifc aiff amr ape au caf dsf dts eac3 flac m4a m4b mka mp2 mp3 mpc oga ogg "
    "opus shn snd spx tak tta voc w64 wav wave wma wv"
)
AUDIO_SUFFIXES = frozenset(f".{name}" for name in _FORMATS.split())

# FFmpeg's demuxers of recordings: none that opens other files (playlists), none of text or games.
_CONTAINERS = (
    "aac,ac3,adx,aea,aiff,amr,ape,asf,ast,au,avi,bonk,caf,dsf,dts,dtshd,dv,eac3,flac,flv,iamf,iff,"
    "ircam,kvag,loas,matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nut,ogg,oma,osq,pvf,"
    "qcp,qoa,rka,rm,shn,sox,swf,tak,truehd,tta,voc,vqf,w64,wav,wavarc,wtv,wv,xwma"
)
# How files begin that are recordings even where their rest cannot be read.
_RECORDING = re.compile(
    rb"RIFF....WAVE|RF64|riff\x2e\x91|fLaC|OggS|ID3|....ftyp|FORM....AIF|\.snd|\x1aE\xdf\xa3|"
    rb"\x30\x26\xb2\x75|wvpk|MAC |caff|TTA1|MPCK",
    re.DOTALL,
)
_BLOCK_SECONDS, _BLOCK_VALUES = 30, 1 << 24
_PHASE_SECONDS = 10  # over which it is decided whether channels cancel each other out
_THINNED = 17  # samples of which one is looked at first
_CANCELLED = 0.2  # of the power that the mean of unrelated channels has
_QUIET = 0.01  # peak, of full scale: rounding to 16 bits would change features by 0.02 sigma
_LARGEST = float(np.finfo(np.float32).max)  # sample: resampling adds them up
_SILENT = 16 / 32768  # greatest difference of two samples: an offset, dither
_TOLERATED_SECONDS, _TOLERATED_GAP = 0.5, 0.05  # that a header, or a time in a file, is wrong
_TAGS = (b"ID3", b"TAG", b"APETAGEX")  # of two files that were made one
# FFmpeg computes the length of these from the file's size or end, or reads a wrong one.
_STATE_NO_LENGTH = "aac ac3 eac3 dts dtshd loas mlp truehd ogg mpegts mpeg nut avi"
_TAGGED_BEHIND = ("mp3", "aac")  # tags behind the sound look like packets that break off
_LOWEST_RATE, _HIGHEST_RATE = 1000, 768_000  # Hz
# Sample formats of FFmpeg, without the "p" of those with a plane a channel, and their full scale.
_SAMPLES = {
    "u8": (np.uint8, 2.0**7),
    "s16": (np.int16, 2.0**15),
    "s32": (np.int32, 2.0**31),
    "s64": (np.int64, 2.0**63),
    "flt": (np.float32, 1.0),
    "dbl": (np.float64, 1.0),
}

Int16 = npt.NDArray[np.int16]
Float64 = npt.NDArray[np.float64]
Note = Callable[[str], None]


class NotAudio(DataError):  # noqa: N818
    """A file that is no recording: its format is unknown, or no stream of it is sound."""


class Damage(str):
    """A note on sound that is missing or damaged, as opposed to one that is merely odd."""

    __slots__ = ()


def stream_segments(
    path: Path,
    parameters: FeatureParameters = DOCUMENTED,
    note: Note = lambda sentence: None,
) -> Iterator[Int16]:
    """All whole segments of a recording, mono, in blocks of about 30 seconds.

    Errors and notes may come after the first blocks: what is wrong with a recording
    shows only where it is reached.

    Args:
        path: a file in any format that FFmpeg decodes.
        parameters: sample rate and length of the segments.
        note: takes a sentence on what is odd about the recording; a `Damage` where
            sound is missing or damaged.

    Yields:
        int16 segments. [shape=(k, parameters.segment_samples)]

    Raises:
        NotAudio: the file is no recording.
        DataError: the file cannot be read, its sound cannot be decoded, it holds NaN
            or infinite samples or less than one segment.
    """
    rest = np.empty(0, dtype=np.int16)
    found, segment_samples = 0, parameters.segment_samples
    for samples in _stream_samples(path, parameters.sample_rate, note):
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


def read_tags(path: Path) -> dict[str, str]:
    """What a recording says about itself.

    Returns:
        Values by names in lower case, such as artist, album, album_artist, genre and title;
        those that are there.

    Raises:
        NotAudio: the file is no recording.
        DataError: the file cannot be read.
    """
    with _open(path) as file, _container(file, 0) as container:
        tags = {**_stream(file, container).metadata, **container.metadata}
        return {name.lower(): value.strip() for name, value in tags.items() if value.strip()}


@dataclass
class _Block:
    """Consecutive samples of one rate and number of channels.

    Args:
        samples: of all channels, [shape=(channels, n)], or mixed, [shape=(n,)].
        rate: in Hz.
        step: least difference of two samples; 0 for floating-point ones.
        begin: seconds before it.
        is_last: of this rate and number of channels.
    """

    samples: Float64
    rate: int
    step: float
    begin: float
    is_last: bool


def _stream_samples(path: Path, sample_rate: int, note: Note) -> Iterator[Int16]:
    resample, gain = None, 0.0
    for block in _stream_mono(path, note):
        mono = block.samples
        if not gain:
            gain = _gain(path, note) if np.abs(mono).max() < _QUIET else 1.0
            if block.rate < sample_rate:
                note(
                    f"{path} has a sample rate of {block.rate} Hz, below the {sample_rate} Hz of "
                    f"the features: it holds nothing above {block.rate // 2} Hz."
                )
        if block.rate != sample_rate:
            resample = resample or soxr.ResampleStream(
                block.rate, sample_rate, 1, dtype="float64", quality="VHQ"
            )
            mono = resample.resample_chunk(mono, last=block.is_last)
        if block.is_last:
            resample = None
        yield np.clip(np.round(mono * (gain * INT16_SCALE)), -32768, 32767).astype(np.int16)


def _gain(path: Path, note: Note) -> float:
    """A power of two that brings a very quiet recording to half of full scale; 1 for others."""
    peak = 0.0
    for block in _stream_mono(path, lambda sentence: None):
        peak = max(peak, np.abs(block.samples).max())
        if peak >= _QUIET:
            return 1.0
    exponent = math.floor(math.log2(0.5 / peak))
    note(
        f"{path} is very quiet (its peak is {20 * math.log10(peak):.0f} dB): it is amplified by "
        f"{6.02 * exponent:.0f} dB before it is rounded to 16 bits."
    )
    return 2.0**exponent


def _stream_mono(path: Path, note: Note) -> Iterator[_Block]:
    """The mean of the channels; the louder one where they cancel each other out."""
    lowest, highest, step, seconds, cancelled = np.inf, -np.inf, 0.0, 0.0, 0.0
    loudest: int | None = None
    cancels = False
    for block in _stream_channels(path, note):
        channels, mono = block.samples, block.samples.mean(axis=0)
        least, most = mono.min(), mono.max()
        if not -_LARGEST <= least <= most <= _LARGEST:
            _refuse_samples(path, block)
        if len(channels) > 1:
            window = _PHASE_SECONDS * block.rate
            for begin in range(0, len(mono), window):
                part = slice(begin, begin + window)
                if len(mono) - begin >= block.rate:  # too few samples keep what was decided
                    # The first look is quick, and nearly always enough.
                    cancels = all(_cancel(channels[:, part], every) for every in (_THINNED, 1))
                    if loudest is None and cancels:
                        loudest = int(_powers(channels[:, part]).argmax())
                if cancels and loudest is not None:
                    mono[part] = channels[min(loudest, len(channels) - 1), part]
                    cancelled += len(mono[part]) / block.rate
                    least, most = mono.min(), mono.max()
        lowest, highest = min(lowest, least), max(highest, most)
        step = max(step, block.step)
        seconds = block.begin + len(mono) / block.rate
        yield replace(block, samples=mono)
    if 0 <= highest - lowest <= max(_SILENT, 4 * step):
        beside = " but for an offset or dither" if highest > lowest or highest else ""
        raise DataError(f"{path} is silent from beginning to end{beside}.")
    if cancelled:
        note(
            f"{path} has channels of opposite phase, which cancel each other out, in "
            f"{cancelled:.1f} s of {seconds:.1f} s: its louder channel is used there."
        )


def _cancel(channels: Float64, every: int) -> bool:
    """Whether channels cancel each other out in their mean, as seen in one sample of `every`."""
    samples = np.ascontiguousarray(channels[:, ::every])
    powers = _powers(samples)
    of_mean = _powers(samples.mean(axis=0)[None])[0]
    return bool(of_mean < _CANCELLED * powers.mean() / len(powers))


def _powers(channels: Float64) -> Float64:
    """Variance of each channel. [shape=(channels, n)] -> [shape=(channels,)]"""
    squares = np.einsum("ij,ij->i", channels, channels) / channels.shape[1]
    powers: Float64 = squares - channels.mean(axis=1) ** 2
    return powers


def _stream_channels(path: Path, note: Note) -> Iterator[_Block]:
    """All channels in blocks of 30 seconds, or less where there are many of them."""
    fifo, kind, most, begin, time_base = av.AudioFifo(), None, 0, 0.0, Fraction(1)
    for frame in _stream_frames(path, note):
        of = frame.sample_rate, frame.layout.nb_channels, frame.format.name
        if fifo.samples and (of != kind or fifo.samples >= most):
            block = _block(fifo.read(), begin, is_last=of != kind)
            yield block
            begin += block.samples.shape[1] / block.rate
            fifo = av.AudioFifo()
        if of != kind:
            kind, most = of, min(_BLOCK_SECONDS * of[0], _BLOCK_VALUES // of[1])
        # The queue would refuse other times than it expects: where there are gaps, sound is joined.
        frame.pts, frame.time_base = None, time_base
        fifo.write(frame)
    if fifo.samples:
        yield _block(fifo.read(), begin, is_last=True)


def _block(frame: Any, begin: float, is_last: bool) -> _Block:
    channels = frame.layout.nb_channels
    dtype, scale = _SAMPLES[frame.format.name.removesuffix("p")]
    samples = np.empty((channels, frame.samples))
    if frame.format.is_planar:
        for channel, plane in zip(samples, frame.planes, strict=False):
            channel[:] = np.frombuffer(plane, dtype, frame.samples)
    else:
        packed = np.frombuffer(frame.planes[0], dtype, frame.samples * channels)
        samples[:] = packed.reshape(-1, channels).T
    if dtype == np.uint8:
        samples -= scale
    if scale > 1:
        samples *= 1 / scale  # a power of two: as exact as its division
    return _Block(samples, frame.sample_rate, 1 / scale if scale > 1 else 0.0, begin, is_last)


def _stream_frames(path: Path, note: Note) -> Iterator[Any]:
    losses = _Losses()
    with _open(path) as file:
        stated, tags_may_follow = None, False
        for place in range(len(file.begins)):
            try:
                opened = _container(file, place)
            except DataError:
                if not place:
                    raise
                losses.at_end.append(losses.seconds)
                continue
            with opened as container:
                yield from _decode(file, container, losses, note)
                stated = _stated_seconds(file, container, losses.seconds)
                tags_may_follow = container.format.name in _TAGGED_BEHIND
    if len(losses.places) + len(losses.at_end) > losses.frames:
        raise NotAudio(f"{path} is no audio that can be decoded.")
    if losses.places:
        places = len({round(place, 1) for place in losses.places}) - 1
        more = f" and {places} more place{'s' * (places > 1)}" if places else ""
        note(
            Damage(
                f"{path} is damaged at {losses.places[0]:.1f} s{more}: what cannot be decoded is "
                "left out."
            )
        )
    seconds = losses.seconds
    breaks_off = losses.failed or file.lacks_end or bool(losses.at_end)
    missing = 0.0 if stated is None else stated - seconds
    tolerated = max(_TOLERATED_SECONDS, 0.01 * seconds)
    if missing > tolerated and (breaks_off or not losses.places):
        note(Damage(f"{path} breaks off after {seconds:.1f} s of {stated:.1f} s."))
    elif breaks_off and not tags_may_follow:
        note(Damage(f"{path} breaks off after {seconds:.1f} s."))
    elif -missing > tolerated:
        note(f"{path} states {stated:.1f} s and holds {seconds:.1f} s: all of it is used.")


@dataclass
class _Losses:
    """What was decoded, and what could not be.

    Args:
        frames: decoded.
        seconds: of them.
        places: seconds at which sound is missing.
        at_end: the same, with no sound behind it so far.
        failed: the container could not be read to its end.
    """

    frames: int = 0
    seconds: float = 0.0
    places: list[float] = field(default_factory=list)
    at_end: list[float] = field(default_factory=list)
    failed: bool = False


def _decode(file: _File, container: Any, losses: _Losses, note: Note) -> Iterator[Any]:
    stream = _stream(file, container)
    if (decoder := stream.codec_context) is None:
        raise DataError(f"{file.path} holds sound of a codec that FFmpeg does not know.")
    decoder.thread_count = 1
    if decoder.codec.properties & Properties.LOSSLESS.value:  # a wrong checksum is no sound
        decoder.options = {"err_detect": "crccheck+explode"}
    streams = container.streams.audio
    if len(streams) > 1 and not losses.frames:
        note(
            f"{file.path} holds {len(streams)} streams of sound: number "
            f"{streams.index(stream) + 1}, the default one, is used."
        )
    lag: float | None = None  # of the seconds decoded behind the time that frames state
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet, losses.failed = None, True
        if packet is None:
            return
        try:
            decoded = [frame for frame in decoder.decode(packet) if frame.samples]
        except av.error.FFmpegError:
            if not bytes(packet).startswith(_TAGS):
                losses.at_end.append(losses.seconds)
            continue
        if decoded and packet.size:
            # What lies before the first frame is no sound.
            losses.places += losses.at_end if losses.frames else []
            losses.at_end.clear()
        for frame in decoded:
            _check_rate(file.path, frame.sample_rate)
            if frame.time is not None:
                if lag is not None and frame.time - losses.seconds - lag > _TOLERATED_GAP:
                    losses.places.append(losses.seconds)
                lag = frame.time - losses.seconds
            losses.frames += 1
            losses.seconds += frame.samples / frame.sample_rate
            yield frame


def _stated_seconds(file: _File, container: Any, seconds: float) -> float | None:
    """The length that a file states; None where it states nothing."""
    stream = _stream(file, container)
    if file.share is not None:
        return seconds * file.share
    if container.format.name in _STATE_NO_LENGTH.split():
        return None
    if stream.duration:
        stated = float(stream.duration * stream.time_base)
    elif container.duration is not None and not container.streams.video:
        stated = (container.duration - (container.start_time or 0)) / av.time_base
    else:
        return None
    # Of an MP3 without a length FFmpeg guesses it from the size and the first bit rate.
    by_bit_rate = file.size * 8 / (stream.bit_rate or np.inf)
    is_guess = container.format.name == "mp3" and stated < 1.02 * by_bit_rate
    return None if is_guess else stated


@dataclass
class _File:
    """An open file that may be a recording.

    Args:
        path: of the file.
        content: of the file.
        begins: bytes at which its containers begin: an Ogg file may be a chain of them.
        size: bytes without tags in front.
        share: as `stated_share` returns it.
        lacks_end: it is an Ogg file that breaks off.
        is_recording: what it begins with says that it is a recording.
    """

    path: Path
    content: BinaryIO
    begins: list[int]
    size: int
    share: float | None
    lacks_end: bool
    is_recording: bool


@contextmanager
def _open(path: Path) -> Iterator[_File]:
    try:
        # By its descriptor: FFmpeg shall not guess from the name.
        with open(plain_file(os.fspath(path), os.O_RDONLY), "rb") as content:
            tag = tag_length(content)
            content.seek(tag)
            start = content.read(16)
            if not start:
                raise NotAudio(f"{path} is empty (0 bytes of sound): replace it or leave it out.")
            is_recording = bool(tag) or _RECORDING.match(start) is not None
            size = os.fstat(content.fileno()).st_size - tag
            # FFmpeg reads tags in front of MP3 and FLAC only.
            begin = tag if _RECORDING.match(start) and start[:4] != b"fLaC" else 0
            share = stated_share(FilePart(content, begin))
            begins, lacks_end = [begin], False
            if start.startswith(b"OggS"):
                begins, lacks_end = ogg_chain(content)
            yield _File(path, content, begins, size, share, lacks_end, is_recording)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _container(file: _File, place: int) -> Any:
    """FFmpeg's container that begins at `file.begins[place]`; to be closed."""
    ignore_length = file.share is not None and file.share < 1
    # Else FFmpeg would look for chunks in the sound behind, and find millions of them in silence.
    part = FilePart(file.content, *file.begins[place : place + 2], may_seek=not ignore_length)
    options = {"format_whitelist": _CONTAINERS, "ignore_length": str(int(ignore_length))}
    try:
        return av.open(
            part, buffer_size=1 << 18, metadata_errors="replace", options=options, io_open=_refuse
        )
    except (av.error.FFmpegError, ValueError) as error:
        kind = DataError if file.is_recording else NotAudio
        raise kind(
            f"{file.path} is no audio that can be decoded ({getattr(error, 'strerror', error)})."
        ) from error


def _stream(file: _File, container: Any) -> Any:
    stream = container.streams.best("audio")
    if stream is None:
        raise NotAudio(f"{file.path} is no audio: no stream of it is sound.")
    return stream


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise PermissionError(f"a recording may not open {url}")


def _check_rate(path: Path, rate: int) -> None:
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise DataError(
            f"{path} claims a sample rate of {rate} Hz; {_LOWEST_RATE} to {_HIGHEST_RATE} Hz can "
            "be used."
        )


def _refuse_samples(path: Path, block: _Block) -> NoReturn:
    usable = (np.abs(block.samples) <= _LARGEST).all(axis=0)
    place = block.begin + int(np.argmin(usable)) / block.rate
    raise DataError(
        f"{path} holds NaN or infinite samples, or larger ones than float32 has (the first at "
        f"{place:.2f} s): export it again from its source or leave it out."
    )
