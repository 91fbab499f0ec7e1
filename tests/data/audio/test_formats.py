"""Containers, codecs and headers: what is decoded is what FFmpeg decodes."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from data.audio.decoding import Damage, NotAudio, _stream_mono, read_tags, stream_segments
from data.audio.headers import FilePart, stated_share
from data.errors import DataError
from tests.support.recordings import noted_segments, write_sound

SECONDS = 2.3
# Suffix (or suffix=muxer): encoder@rate/channels; 44100 Hz and two channels where nothing is said.
FORMATS = """
wav: pcm_u8 pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le pcm_s64le pcm_alaw pcm_mulaw
wav: adpcm_ima_wav adpcm_ms adpcm_swf adpcm_yamaha libmp3lame mp2 ac3 g722@16000/1 g726@8000/1
wav: dfpwm pcm_s16le@8000/1 pcm_s16le@44100/6 pcm_s16le@44100/9 pcm_f32le@192000/1
w64: pcm_s16le pcm_s24le pcm_f32le
aiff: pcm_s16be pcm_s24be pcm_s32be pcm_f32be pcm_f64be pcm_s8 pcm_mulaw pcm_alaw adpcm_ima_qt
au: pcm_s16be pcm_s24be pcm_f32be pcm_f64be pcm_mulaw pcm_s8
caf: pcm_s16le pcm_s24be pcm_f32le alac adpcm_ima_qt
flac: flac flac@8000/1 flac@96000/2 flac@44100/6 flac@44100/8
ogg: vorbis@48000/2 libopus@48000/2 libopus@48000/6 libopus@48000/8
mp3: libmp3lame libmp3lame@48000/2 libmp3lame@22050/1 libmp3lame@8000/1
mp2=mp2: mp2
aac=adts: aac
latm=latm: aac
m4a: aac aac@44100/6 aac@44100/8 alac
mp4: libopus@48000/2 libmp3lame ac3
mov: pcm_s16le pcm_s24be pcm_s24le pcm_f32le alac aac adpcm_ima_qt pcm_mulaw pcm_u8
3gp: libopencore_amrnb@8000/1
amr: libopencore_amrnb@8000/1
mkv: aac libopus@48000/2 pcm_s16le pcm_f32le ac3 eac3 libmp3lame mp2 alac wavpack tta
webm: libopus@48000/2 libopus@48000/6
avi: libmp3lame pcm_s16le ac3 aac
flv: aac libmp3lame nellymoser@44100/1 adpcm_swf
wma=asf: wmav2 wmav1 libmp3lame
ts=mpegts: aac@48000/2 mp2@48000/2 ac3@48000/2 eac3@48000/2 libopus@48000/2
mpg: mp2
vob: ac3@48000/2 pcm_dvd@48000/2
ac3: ac3 ac3@44100/6
eac3: eac3
wv: wavpack wavpack@44100/16
tta: tta
nut: pcm_s16le
voc: pcm_u8@22050/1 pcm_s16le
sox: pcm_s32le
sf=ircam: pcm_s16le
wtv: mp2
rm: ac3
adx: adpcm_adx
ast: pcm_s16be_planar
swf: libmp3lame
"""
MUXER_OPTIONS = {
    "rf64.wav": ("pcm_s16le", {"rf64": "always"}),
    "no-index.mp3": ("libmp3lame", {"write_xing": "0", "id3v2_version": "0"}),
    "faststart.m4a": ("aac", {"movflags": "+faststart"}),
    "fragments.mp4": ("aac", {"movflags": "frag_keyframe+empty_moov"}),
}


def _formats() -> Iterator[Any]:
    for line in FORMATS.strip().splitlines():
        kind, codecs = line.split(": ")
        suffix, _, muxer = kind.partition("=")
        for codec in codecs.split():
            name, _, rest = codec.partition("@")
            rate, channels = map(int, (rest or "44100/2").split("/"))
            yield pytest.param(
                f"a.{suffix}", name, rate, channels, muxer or None, {}, id=f"{suffix}-{codec}"
            )
    for name, (codec, options) in MUXER_OPTIONS.items():
        yield pytest.param(name, codec, 44100, 2, None, options, id=name)


def music(seconds: float, rate: int, channels: int) -> np.ndarray:
    """Chords whose notes differ from channel to channel. [shape=(n, channels)]"""
    t = np.arange(round(seconds * rate))[:, None] / rate
    sound = np.zeros((len(t), channels))
    for k in range(3):
        hertz = 220 + 110 * k + 7 * np.arange(channels)
        sound += 0.15 / (k + 1) * np.sin(2 * np.pi * hertz * t + k)
    return sound * (0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * t))


def _by_ffmpeg(path: Path) -> np.ndarray:
    """The mean of the channels, by nothing but FFmpeg. [shape=(n,)]"""
    packed = av.AudioResampler(format="dbl")
    with av.open(str(path)) as container:
        frames = [
            part
            for frame in container.decode(container.streams.best("audio"))
            for part in packed.resample(frame)
        ]
    frames += packed.resample(None)
    channels = frames[0].layout.nb_channels
    return np.concatenate([f.to_ndarray().reshape(-1, channels) for f in frames]).mean(axis=1)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels", "muxer", "options"), list(_formats())
)
def test_sound_is_that_of_ffmpeg(
    tmp_path: Path,
    name: str,
    codec: str,
    rate: int,
    channels: int,
    muxer: str | None,
    options: dict[str, str],
) -> None:
    path, notes = tmp_path / name, []
    strict = {"strict": "-2"}
    write_sound(
        path,
        music(SECONDS, rate, channels),
        rate,
        codec,
        container=muxer,
        options=options,
        codec_options=strict,
        bit_rate=128_000 if codec.startswith("wma") else None,
    )
    expected = _by_ffmpeg(path)
    path = path.rename(tmp_path / "without a suffix")
    sound = np.concatenate([block.samples for block in _stream_mono(path, notes.append)])
    assert not [note for note in notes if isinstance(note, Damage)]
    assert abs(len(sound) - SECONDS * rate) < 0.1 * rate
    assert abs(len(sound) - len(expected)) <= 2048
    both = min(len(sound), len(expected))
    np.testing.assert_allclose(sound[:both], expected[:both], rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("suffix", "codec", "dtype", "bits"),
    [
        ("wav", "pcm_u8", np.int16, 8),
        ("wav", "pcm_s16le", np.int16, 16),
        ("wav", "pcm_s24le", np.int32, 24),
        ("wav", "pcm_s32le", np.int32, 32),
        ("flac", "flac", np.int16, 16),
        ("flac", "flac", np.int32, 24),
        ("wav", "pcm_f32le", np.float64, 0),
        ("wav", "pcm_f64le", np.float64, 0),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_of_uncompressed_and_lossless_files_are_exact(
    tmp_path: Path, suffix: str, codec: str, dtype: type, bits: int, channels: int
) -> None:
    rng, path = np.random.default_rng(0), tmp_path / f"a.{suffix}"
    if bits:
        unused = np.iinfo(dtype).bits - bits
        whole = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (20_000, channels))
        samples, expected = (whole << unused).astype(dtype), whole / 2.0 ** (bits - 1)
    else:
        samples = expected = rng.uniform(-1, 1, (20_000, channels)).astype(np.float32).astype(dtype)
    write_sound(path, samples, 8000, codec)
    sound = np.concatenate([block.samples for block in _stream_mono(path, print)])
    np.testing.assert_array_equal(sound, expected.mean(axis=1))


def _wav(size: int | None = None, behind: bytes = b"", seconds: float = 6) -> bytes:
    """A WAV file of 8 kHz, whose header states a size of its own."""
    sound = (music(seconds, 8000, 1) * 32767).astype("<i2").tobytes()
    size = len(sound) if size is None else size
    header = struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", size)
    return b"RIFF" + struct.pack("<I", 36 + len(sound)) + b"WAVE" + header + sound + behind


def _encoded(
    name: str,
    codec: str,
    seconds: float = 6,
    rate: int = 48000,
    channels: int = 2,
    **options: Any,
) -> Callable[[Path], bytes]:
    def write(folder: Path) -> bytes:
        path = folder / name
        write_sound(path, music(seconds, rate, channels), rate, codec, **options)
        return path.read_bytes()

    return write


MP3 = _encoded("a.mp3", "libmp3lame", bit_rate=128_000)
BARE_MP3 = _encoded("b.mp3", "libmp3lame", options={"write_xing": "0", "id3v2_version": "0"})
FLAC = _encoded("a.flac", "flac")
OGG = _encoded("a.ogg", "libopus")
TAG = b"ID3\x03\0\0\0\0\x10\0" + b"\0" * 2048


def _flac(samples: int) -> Callable[[Path], bytes]:
    """A FLAC file whose header states a length of its own; 0 is none."""

    def write(folder: Path) -> bytes:
        whole = FLAC(folder)
        return whole[:21] + bytes([whole[21] & 0xF0]) + struct.pack(">I", samples) + whole[26:]

    return write


def _half(write: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    def made(folder: Path) -> bytes:
        whole = write(folder)
        return whole[: len(whole) // 2]

    return made


def _hurt(write: Callable[[Path], bytes], bytes_lost: int = 0) -> Callable[[Path], bytes]:
    """One bad place in the middle."""

    def made(folder: Path) -> bytes:
        whole = write(folder)
        middle = len(whole) // 2
        noise = np.random.default_rng(0).bytes(200)
        return whole[:middle] + noise + whole[middle + len(noise) + bytes_lost :]

    return made


def _chain(*parts: Callable[[Path], bytes]) -> Callable[[Path], bytes]:
    return lambda folder: b"".join(write(folder) for write in parts)


def _of(content: bytes) -> Callable[[Path], bytes]:
    return lambda folder: content


HEADERS = {  # bytes, segments, what is noted
    "wav-size-0": (_of(_wav(0)), 6, ""),
    "wav-size-7ffff000": (_of(_wav(0x7FFFF000)), 6, ""),
    "wav-size-7fffffff": (_of(_wav(0x7FFFFFFF)), 6, ""),
    "wav-size-80000000": (_of(_wav(0x80000000)), 6, ""),
    "wav-size-ffffffff": (_of(_wav(0xFFFFFFFF)), 6, ""),
    "wav-size-ffffffdb": (_of(_wav(0xFFFFFFFF - 36)), 6, ""),
    "wav-lacks-a-byte": (_of(_wav()[:-1]), 5, ""),
    "wav-states-less": (_of(_wav(16_000)), 6, r"states 1\.0 s and holds 6\.0 s"),
    "wav-states-more": (_of(_wav(160_000)), 6, r"breaks off after 6\.0 s of 10\.0 s"),
    "wav-chunk-behind": (_of(_wav(behind=b"LIST\x40\x1f\0\0" + b"x" * 8000)), 6, ""),
    "wav-junk-behind": (_of(_wav(behind=b"\1\2\3\4" * 500)), 6, ""),
    "wav-tag-in-front": (_of(TAG + _wav()), 6, ""),
    "wav-half": (_of(_wav()[: 44 + 48_000]), 3, r"breaks off after 3\.0 s of 6\.0 s"),
    "mp3-without-index": (BARE_MP3, 6, ""),
    "mp3-two-tags": (_chain(_of(TAG), _of(TAG), MP3), 6, ""),
    "mp3-zeros-in-front": (_chain(_of(b"\0" * 50_000), BARE_MP3), 6, ""),
    "mp3-junk-in-front": (_chain(_of(np.random.default_rng(0).bytes(5000)), BARE_MP3), 6, ""),
    "mp3-tags-behind": (_chain(MP3, _of(b"APETAGEX" + b"\7" * 999 + b"TAG" + b"\0" * 125)), 6, ""),
    "mp3-twice": (_chain(MP3, MP3), 12, r"^((?!damaged).)*$"),
    "mp3-half": (_half(MP3), 3, r"breaks off after 3\.\d s of 6\.0 s"),
    "mp3-half-behind-a-tag": (
        _chain(_of(b"ID3\3\0\0\0\x20\0\0" + b"\0" * (0x20 << 14)), _half(MP3)),
        3,
        r"breaks off after 3\.\d s of 6\.0 s",
    ),
    "mp3-bad-frame": (_hurt(MP3), 5, r"is damaged at [23]\.\d s"),
    "flac-length-0": (_flac(0), 6, ""),
    "flac-states-181-s": (_flac(181 * 48_000), 6, r"breaks off after 6\.0 s of 181\.0 s"),
    "flac-states-less": (_flac(3 * 48_000), 6, r"states 3\.0 s and holds 6\.0 s"),
    "flac-tag-in-front": (_chain(_of(TAG), FLAC), 6, ""),
    "flac-half": (_half(FLAC), 3, r"breaks off after [23]\.\d s of 6\.0 s"),
    "flac-bad-frame": (_hurt(FLAC), 5, r"is damaged at [23]\.\d s"),
    "flac-lacks-bytes": (_hurt(FLAC, 20_000), 5, r"is damaged at [23]\.\d s"),
    "ogg-half": (_half(OGG), 3, r"breaks off after [23]\.\d s"),
    "ogg-bad-page": (_hurt(OGG), 5, r"is damaged at [23]\.\d s"),
    "ogg-chain": (_chain(OGG, OGG), 12, ""),
    "ogg-chain-of-channels": (_chain(OGG, _encoded("m.ogg", "libopus", 4, channels=1)), 10, ""),
    "ogg-chain-of-codecs": (
        _chain(OGG, _encoded("v.ogg", "vorbis", 4, rate=22050, codec_options={"strict": "-2"})),
        10,
        "",
    ),
    "mp3-chain-of-rates": (
        _chain(BARE_MP3, _encoded("c.mp3", "libmp3lame", 4, rate=22050)),
        10,
        "",
    ),
    "aac-chain-of-rates": (
        _chain(
            _encoded("a.aac", "aac", container="adts"),
            _encoded("b.aac", "aac", 4, rate=22050, channels=1, container="adts"),
        ),
        10,
        "",
    ),
    "m4a-half": (
        _half(_encoded("h.m4a", "aac", options={"movflags": "+faststart"})),
        3,
        r"breaks off after [23]\.\d s of 6\.0 s",
    ),
    "mkv-half": (_half(_encoded("h.mka", "libopus")), 3, r"breaks off after [23]\.\d s of 6\.0 s"),
    "wv-half": (_half(_encoded("h.wv", "wavpack")), 3, r"breaks off after [23]\.\d s of 6\.0 s"),
    "w64-half": (_half(_encoded("h.w64", "pcm_s16le")), 3, r"breaks off after 3\.0 s of 6\.0 s"),
    "caf-half": (_half(_encoded("h.caf", "pcm_s16le")), 3, r"breaks off after 3\.0 s of 6\.0 s"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_lie_and_files_that_are_damaged(tmp_path: Path, name: str) -> None:
    write, expected, noted = HEADERS[name]
    (tmp_path / "whole").write_bytes(write(tmp_path))
    segments, notes = noted_segments(tmp_path / "whole")
    assert abs(segments - expected) <= (1 if noted else 0)
    if not noted:
        assert notes == []
    for note in notes:
        assert str(tmp_path / "whole") in note
        assert isinstance(note, Damage) == (" states " not in note)
    if noted and not noted.startswith("^"):
        (note,) = notes
        assert re.search(noted, note)


def test_tags_are_read_in_any_spelling(tmp_path: Path) -> None:
    sound = music(1.5, 48000, 2)
    tags = {"artist": "Ada", "album_artist": "All", "genre": "blues", "title": " T ", "album": "B"}
    for name, codec in (
        ("a.mp3", "libmp3lame"),
        ("a.flac", "flac"),
        ("a.m4a", "aac"),
        ("a.ogg", "libopus"),
        ("a.mka", "libopus"),
    ):
        write_sound(tmp_path / name, sound, 48000, codec, tags=tags)
        read = read_tags(tmp_path / name)
        assert {key: read[key] for key in tags} == tags | {"title": "T"}
    write_sound(tmp_path / "a.wav", sound, 48000)
    assert "artist" not in read_tags(tmp_path / "a.wav")


def _with_picture(path: Path, seconds: float = 3) -> None:
    """A recording with the picture of its cover."""
    with av.open(str(path), "w") as output:
        sound = output.add_stream("libmp3lame", rate=44100, layout="mono")
        sound.bit_rate = 64_000
        picture = output.add_stream("png", rate=1)
        picture.width = picture.height = 64
        picture.pix_fmt = "rgb24"
        picture.disposition = av.stream.Disposition.attached_pic
        output.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        output.mux(picture.encode(None))
        samples = music(seconds, 44100, 1).astype(np.float32).T
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "mono")
        frame.sample_rate = 44100
        output.mux(sound.encode(frame))
        output.mux(sound.encode(None))


def test_the_picture_of_a_cover_is_no_obstacle(tmp_path: Path) -> None:
    _with_picture(tmp_path / "a.mp3")
    assert noted_segments(tmp_path / "a.mp3") == (3, [])


def _film(path: Path, tracks: tuple[float, ...]) -> None:
    """A film with streams of sound of so many seconds."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("mpeg4", rate=5)
        video.width = video.height = 64
        streams = [output.add_stream("aac", rate=44100, layout="mono") for _ in tracks]
        for _ in range(40):
            output.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        output.mux(video.encode(None))
        for stream, seconds in zip(streams, tracks, strict=True):
            samples = music(seconds, 44100, 1).astype(np.float32).T
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "mono")
            frame.sample_rate = 44100
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))


def test_films_give_their_sound(tmp_path: Path) -> None:
    _film(tmp_path / "a.mp4", (4.0,))
    assert noted_segments(tmp_path / "a.mp4") == (4, [])
    _film(tmp_path / "b.mp4", (4.0, 2.5))
    segments, (note,) = noted_segments(tmp_path / "b.mp4")
    assert segments == 4
    assert "holds 2 streams of sound: number 1" in note
    assert not isinstance(note, Damage)
    _film(tmp_path / "c.mp4", ())
    with pytest.raises(NotAudio, match="no stream of it is sound"):
        noted_segments(tmp_path / "c.mp4")


def _noise(size: int) -> bytes:
    return np.random.default_rng(size).bytes(size)


NO_AUDIO = {
    "text": b"these are words\n" * 99,
    "empty": b"",
    "tag-only": TAG,
    "html": b"<!DOCTYPE html><html><body>music</body></html>",
    "pdf": b"%PDF-1.4\n" + _noise(5000),
    "zip": b"PK\3\4" + _noise(5000),
    "png": b"\x89PNG\r\n\x1a\n" + _noise(500),
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + _noise(5000),
    "gif": b"GIF89a" + _noise(500),
    "midi": b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\4\0\xff\x2f\0",
    "cue": b'FILE "a.wav" WAVE\n TRACK 01 AUDIO\n  INDEX 01 00:00:00\n',
    "nfo": b"Artist: Ada\nAlbum: B\n",
    "lyrics": b"[00:01.00]la\n[00:02.00]la la\n",
    "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nla\n",
    "zeros": b"\0" * 100_000,
}


@pytest.mark.parametrize("name", NO_AUDIO)
def test_other_files_are_no_audio(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(NO_AUDIO[name])
    for read in (read_tags, noted_segments):
        with pytest.raises(NotAudio, match=r"no audio|empty"):
            read(tmp_path / name)


def test_random_bytes_are_no_audio(tmp_path: Path) -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        (tmp_path / "a").write_bytes(rng.bytes(int(10 ** rng.uniform(2, 5))))
        with pytest.raises(NotAudio):
            noted_segments(tmp_path / "a")


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.ts", music(3, 48000, 2), 48000, "mp2", container="mpegts")
    sound = tmp_path / "a.ts"
    lists = {
        "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{sound}\n#EXT-X-ENDLIST\n",
        "a.m3u": f"#EXTM3U\n{sound}\n",
        "a.ffconcat": f"ffconcat version 1.0\nfile {sound}\n",
        "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(NotAudio):
            noted_segments(tmp_path / name)


def test_a_recording_whose_index_is_lost_is_no_other_file(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.m4a", music(3, 44100, 2), 44100, "aac")
    whole = (tmp_path / "a.m4a").read_bytes()
    (tmp_path / "a.m4a").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="can be decoded") as caught:
        noted_segments(tmp_path / "a.m4a")
    assert not isinstance(caught.value, NotAudio)


@pytest.mark.parametrize("stated", [16_000 * 20, 0x7FFFF000, 0x80000000, 0xFFFFFFFF])
def test_a_wav_file_of_over_four_gigabytes_is_read_behind_what_its_header_states(
    tmp_path: Path, stated: int
) -> None:
    size = 2**32 + 16_000 * 20
    with (tmp_path / "a.wav").open("wb") as file:  # sparse: silence behind the sound
        file.write(_wav(stated, seconds=2)[: 44 + 32_000])
        file.truncate(44 + size)
    with (tmp_path / "a.wav").open("rb") as file:
        assert stated_share(FilePart(file, 0)) == stated / size
    with closing(stream_segments(tmp_path / "a.wav")) as blocks:
        assert len(next(blocks)) == 30  # more than the least of them states
