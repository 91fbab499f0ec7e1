import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr

from data.audio.decoding import Damage, stream_segments
from data.audio.features import mfcc_statistics
from data.errors import DataError
from tests.conftest import tone
from tests.support.recordings import noted_segments, read_segments, write_sound


def test_mono_at_8_khz_is_kept_bit_for_bit(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32767, 8000 * 3 + 500).astype(np.int16)
    write_sound(tmp_path / "a.wav", samples, 8000)
    segments = read_segments(tmp_path / "a.wav")
    assert segments.dtype == np.int16
    np.testing.assert_array_equal(segments.reshape(-1), samples[:24000])


def test_channels_are_averaged(tmp_path: Path) -> None:
    left = np.where(np.arange(8000) % 2, 0.5, -0.5)
    channels = np.stack([left] + [np.zeros(8000)] * 7, axis=1)
    write_sound(tmp_path / "a.wav", channels, 8000, "pcm_f32le")
    assert set(read_segments(tmp_path / "a.wav")[0].tolist()) == {2048, -2048}


def test_loud_samples_are_clipped(tmp_path: Path) -> None:
    sound = np.where(np.arange(8000) % 2, 3.0, -3.0)
    write_sound(tmp_path / "a.wav", sound, 8000, "pcm_f32le")
    segment = read_segments(tmp_path / "a.wav")[0]
    assert (segment.min(), segment.max()) == (-32768, 32767)


@pytest.mark.parametrize("seconds", [30.0, 60.0, 61.3])
def test_blocks_leave_no_seam(tmp_path: Path, seconds: float) -> None:
    rate = 22050
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, round(seconds * rate))
    write_sound(tmp_path / "a.wav", sound, rate, "pcm_f32le")
    whole = soxr.resample(sound.astype(np.float32).astype(float), rate, 8000, quality="VHQ")
    whole = np.clip(np.round(whole * 32768), -32768, 32767).astype(np.int16)
    segments = read_segments(tmp_path / "a.wav")
    assert len(segments) == int(seconds)
    np.testing.assert_array_equal(segments.reshape(-1), whole[: segments.size])


def _refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_segments(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_missing_file(tmp_path: Path) -> None:
    assert "No such file" in _refused(tmp_path / "none.wav")


def test_a_folder(tmp_path: Path) -> None:
    assert "directory" in _refused(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_sound(path, tone(1, 8000), 8000)
    path.chmod(0)
    assert "Permission denied" in _refused(path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert "empty" in _refused(tmp_path / "a.wav")


def test_text_is_no_audio(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("these are words")
    assert "no audio" in _refused(tmp_path / "a.wav")


def test_less_than_a_second(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", tone(0.99, 8000), 8000)
    assert "0.99 seconds" in _refused(tmp_path / "a.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e300])
def test_samples_that_are_no_numbers(tmp_path: Path, bad: float) -> None:
    sound = tone(40, 8000)
    sound[8000 * 35] = bad
    write_sound(tmp_path / "a.wav", sound, 8000, "pcm_f64le")
    message = _refused(tmp_path / "a.wav")
    assert "NaN or infinite samples, or larger ones" in message
    assert "(the first at 35.00 s)" in message


def test_an_absurd_rate(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", tone(1, 8000), 8000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28] = (2).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    assert "2 Hz" in _refused(tmp_path / "a.wav")


def test_long_recordings_come_in_blocks(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.flac", tone(100, 8000), 8000)
    blocks = [len(block) for block in stream_segments(tmp_path / "a.flac")]
    assert sum(blocks) == 100
    assert max(blocks) <= 31


@pytest.mark.slow
def test_ten_hours_need_less_than_500_mb(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    write_sound(path, tone(1, 22050), 22050)
    size = 22050 * 2 * 36000
    content = bytearray(path.read_bytes())[:44]
    content[4:8], content[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    sound = path.read_bytes()[44:]
    with path.open("wb") as file:  # a second of sound and ten hours of silence, in a sparse file
        file.write(content + sound)
        file.truncate(44 + size)
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from data.audio.extraction import extract\n"
        "from data.audio.feature_store import FeatureStore\n"
        "from data.audio.parameters import DOCUMENTED\n"
        "from data.sources.recordings import Recording\n"
        f"recording = Recording(Path({str(path)!r}), 'x', 'g')\n"
        f"with FeatureStore(Path({str(tmp_path / 's')!r}), DOCUMENTED) as store:\n"
        "    extract([recording], store, 1, lambda _, made, seconds: print(made.segments))\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    seconds, megabytes = map(int, printed.split())
    assert seconds == 36000
    assert megabytes < 500


def _noise(seconds: float, rate: int = 8000, peak: float = 0.4) -> np.ndarray:
    """Noise without an offset. [shape=(n,)]"""
    sound = np.cumsum(np.random.default_rng(0).standard_normal(round(seconds * rate)))
    sound -= np.convolve(sound, np.ones(99) / 99, "same")
    return peak / np.abs(sound).max() * sound


@pytest.mark.parametrize("others", [[-1.0], [-0.999], [-0.9], [-1.0, 1.0, -1.0]])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_channels_of_opposite_phase_do_not_cancel(
    tmp_path: Path, others: list[float], offset: float
) -> None:
    sound = _noise(21)
    channels = np.stack([sound + offset, *(other * sound + offset for other in others)], axis=1)
    write_sound(tmp_path / "a.wav", channels, 8000, "pcm_f64le")
    write_sound(tmp_path / "b.wav", sound + offset, 8000, "pcm_f64le")
    np.testing.assert_array_equal(
        read_segments(tmp_path / "a.wav"), read_segments(tmp_path / "b.wav")
    )
    _, (note,) = noted_segments(tmp_path / "a.wav")
    assert "channels of opposite phase" in note
    assert "in 21.0 s of 21.0 s" in note
    assert not isinstance(note, Damage)


def test_only_the_part_of_opposite_phase_is_replaced(tmp_path: Path) -> None:
    sound = _noise(60)
    other = np.where(np.arange(len(sound)) < 8000 * 40, sound, -sound)
    write_sound(tmp_path / "a.wav", np.stack([sound, other], axis=1), 8000, "pcm_f64le")
    write_sound(tmp_path / "b.wav", sound, 8000, "pcm_f64le")
    # Where it begins is known to some hundredths of a second.
    changed = read_segments(tmp_path / "a.wav") != read_segments(tmp_path / "b.wav")
    assert np.count_nonzero(changed) < 1000
    assert "in 20.0 s of 60.0 s" in noted_segments(tmp_path / "a.wav")[1][0]


@pytest.mark.parametrize("other", [1.0, 0.5, 0.0, -0.3, None])
def test_other_channels_are_averaged(tmp_path: Path, other: float | None) -> None:
    sound = _noise(12)
    channels = np.stack([sound, sound[::-1] if other is None else other * sound], axis=1)
    write_sound(tmp_path / "a.wav", channels, 8000, "pcm_f64le")
    expected = np.round(channels.mean(axis=1) * 32768).astype(np.int16)
    np.testing.assert_array_equal(read_segments(tmp_path / "a.wav").reshape(-1), expected)
    assert noted_segments(tmp_path / "a.wav") == (12, [])


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_f32le"])
@pytest.mark.parametrize("offset", [0.0, 0.25])
@pytest.mark.parametrize("dither", [False, True])
def test_silence_with_an_offset_or_dither(
    tmp_path: Path, codec: str, offset: float, dither: bool
) -> None:
    step = 1 / 128 if codec == "pcm_u8" else 1 / 32768
    sound = np.random.default_rng(0).integers(-1, 2, 44100 * 2) * step * dither + offset
    write_sound(tmp_path / "a.wav", sound, 44100, codec)
    assert "is silent from beginning to end" in _refused(tmp_path / "a.wav")


@pytest.mark.parametrize(("seconds", "codec"), [(40, "pcm_f32le"), (5, "pcm_f32le"), (5, "flac")])
def test_very_quiet_recordings_are_amplified(tmp_path: Path, seconds: int, codec: str) -> None:
    sound = _noise(seconds, 22050)
    path = tmp_path / ("a.flac" if codec == "flac" else "a.wav")
    write_sound(tmp_path / "b.wav", sound, 22050, "pcm_f64le")
    quiet = sound / 512
    write_sound(path, (quiet * 2**31).astype(np.int32) if codec == "flac" else quiet, 22050, codec)
    loud = mfcc_statistics(read_segments(tmp_path / "b.wav"))
    assert np.abs(mfcc_statistics(read_segments(path)) - loud).mean() < 1e-3
    _, (note,) = noted_segments(path)
    assert "is very quiet (its peak is -62 dB): it is amplified by 54 dB" in note


def test_a_quiet_beginning_is_kept(tmp_path: Path) -> None:
    sound = _noise(35) * np.where(np.arange(35 * 8000) < 31 * 8000, 1e-3, 1)
    write_sound(tmp_path / "a.wav", sound, 8000, "pcm_f64le")
    expected = np.round(sound * 32768).astype(np.int16)
    np.testing.assert_array_equal(read_segments(tmp_path / "a.wav").reshape(-1), expected)
    assert noted_segments(tmp_path / "a.wav") == (35, [])


def test_a_rate_below_that_of_the_features_is_noted(tmp_path: Path) -> None:
    write_sound(tmp_path / "a.wav", _noise(3, 6000), 6000)
    segments, (note,) = noted_segments(tmp_path / "a.wav")
    assert segments == 3
    assert "6000 Hz, below the 8000 Hz of the features: it holds nothing above 3000 Hz" in note


def test_ffmpeg_is_quiet(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_sound(tmp_path / "a.mp3", _noise(3, 44100), 44100)
    whole = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(whole[:9000] + b"\xff\xfb" * 500 + whole[10000:])
    assert noted_segments(tmp_path / "a.mp3")[1]
    assert capfd.readouterr() == ("", "")
