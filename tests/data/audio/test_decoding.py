import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from data.audio.decoding import Damage, stream_segments
from data.errors import DataError
from tests.conftest import tone
from tests.support.recordings import read_segments


def test_mono_at_8_khz_is_kept_bit_for_bit(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-32768, 32767, 8000 * 3 + 500).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    segments = read_segments(tmp_path / "a.wav")
    assert segments.dtype == np.int16
    np.testing.assert_array_equal(segments.reshape(-1), samples[:24000])


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
@pytest.mark.parametrize(("rate", "channels"), [(44100, 2), (22050, 1)])
def test_every_format_gives_the_tone(tmp_path: Path, suffix: str, rate: int, channels: int) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(2.5, rate, 440, channels), rate)
    segments = read_segments(path)
    assert len(segments) == 2
    spectrum = np.abs(np.fft.rfft(segments[1].astype(float)))
    assert spectrum.argmax() == 440
    assert np.abs(segments[1]).max() == pytest.approx(16384, rel=0.05)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left = np.where(np.arange(8000) % 2, 0.5, -0.5)
    channels = np.stack([left] + [np.zeros(8000)] * 7, axis=1)
    soundfile.write(tmp_path / "a.wav", channels, 8000, subtype="FLOAT")
    assert set(read_segments(tmp_path / "a.wav")[0].tolist()) == {2048, -2048}


def test_loud_samples_are_clipped(tmp_path: Path) -> None:
    sound = np.where(np.arange(8000) % 2, 3.0, -3.0)
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="FLOAT")
    segment = read_segments(tmp_path / "a.wav")[0]
    assert (segment.min(), segment.max()) == (-32768, 32767)


@pytest.mark.parametrize("seconds", [30.0, 60.0, 61.3])
def test_blocks_leave_no_seam(tmp_path: Path, seconds: float) -> None:
    rate = 22050
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, round(seconds * rate))
    soundfile.write(tmp_path / "a.wav", sound, rate, subtype="FLOAT")
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


def _noted(path: Path) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    return np.concatenate(list(stream_segments(path, note=notes.append))), notes


def test_a_missing_file(tmp_path: Path) -> None:
    assert "No such file" in _refused(tmp_path / "none.wav")


def test_a_folder(tmp_path: Path) -> None:
    assert "directory" in _refused(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1, 8000), 8000)
    path.chmod(0)
    assert "Permission denied" in _refused(path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert "empty" in _refused(tmp_path / "a.wav")


def test_text_is_no_audio(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("these are words")
    assert "no audio" in _refused(tmp_path / "a.wav")


def test_less_than_a_second(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(0.99, 8000), 8000)
    assert "0.99 seconds" in _refused(tmp_path / "a.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1e300])
def test_samples_that_are_no_numbers(tmp_path: Path, bad: float) -> None:
    sound = tone(40, 8000)
    sound[8000 * 35] = bad
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="DOUBLE")
    message = _refused(tmp_path / "a.wav")
    assert "NaN or infinite samples, or larger ones" in message
    assert "(the first at 35.00 s)" in message


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff", "au"])
def test_a_truncated_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, tone(20, 22050), 22050)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    segments, notes = _noted(path)
    assert 6 <= len(segments) <= 10
    if suffix != "mp3":
        assert re.search(r"breaks off after ([789]|1\d)\.\d s", notes[0])
        assert isinstance(notes[0], Damage)


def test_a_header_that_promises_more_than_there_is(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(2, 8000), 8000)
    content = bytearray(path.read_bytes())
    content[40:44] = (10**9).to_bytes(4, "little")  # size of the data chunk
    path.write_bytes(content)
    segments, notes = _noted(path)
    assert len(segments) == 2
    assert notes == [f"{path} breaks off after 2.0 s of 62500.0 s."]


def test_a_stream_of_unknown_length_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(2, 8000), 8000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"  # as encoders write to a pipe
    path.write_bytes(content)
    assert len(read_segments(path)) == 2


def test_an_absurd_rate(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(1, 8000), 8000)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28] = (2).to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    assert "2 Hz" in _refused(tmp_path / "a.wav")


def test_long_recordings_come_in_blocks(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(100, 8000), 8000)
    blocks = [len(block) for block in stream_segments(tmp_path / "a.flac")]
    assert sum(blocks) == 100
    assert max(blocks) <= 31


@pytest.mark.slow
def test_ten_hours_need_less_than_500_mb(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, tone(1, 22050), 22050)
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
