"""Building a dataset from recordings, beside librosa in one process."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import soxr
import torch

from data.audio.decoding import stream_segments
from data.audio.features import mel_spectrograms, mfcc_statistics
from data.processes import usable_cores
from data.synthesis import synthesise
from tests.bench.features import librosa_features, require_librosa
from tests.bench.measure import Benchmark, Row, machine_facts, ratio, time_command
from tests.support.recordings import write_sound

_RATE = 44_100
_SECONDS = 30
_GENRES = ("blues", "rock")
_SUFFIXES = (".mp3", ".wav")
_SELF = "tests.bench.build"
_WHAT = {
    "all": f"build, {usable_cores()} workers",
    "one": "build, 1 worker",
    "librosa": "librosa, 1 process",
    "core": "decoding and features alone, of a core's time",
}


def bench_build(tracks: int, repeats: int, advance: Callable[[], None]) -> Benchmark:
    """Measure whole commands, from their start to the file that they write, in turn.

    The recordings are synthesised music of 30 seconds, in stereo at 44.1 kHz: MP3 of
    192 kbit/s, and WAV. librosa loads them at 8 kHz and computes features of the same
    shapes, a recording at a time. Decoding and features alone are measured, too, in
    seconds of the processor.

    Args:
        tracks: recordings of each format.
        repeats: of each measurement.
        advance: called after each measurement.

    Raises:
        RunError: librosa is not installed, or a command failed.
    """
    require_librosa()
    values: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as place:
        for suffix in _SUFFIXES:
            _write_music(Path(place, suffix), suffix, tracks)
        for _ in range(repeats):
            for suffix in _SUFFIXES:
                music = Path(place, suffix)
                for name in _WHAT:
                    rate = tracks * _SECONDS / _seconds(name, music)
                    values.setdefault(f"{name}{suffix}", []).append(rate)
                    advance()
    rates = {name: tuple(found) for name, found in values.items()}
    return Benchmark(
        machine_facts("cpu", 1, librosa=version("librosa")),
        tuple(
            Row(
                f"{name}{suffix}",
                f"{suffix[1:].upper()}: {what}",
                "segments/s",
                rates[name + suffix],
            )
            for suffix in _SUFFIXES
            for name, what in _WHAT.items()
        ),
        {
            f"{suffix[1:].upper()}, {name} / librosa": ratio(
                rates[f"{name}{suffix}"], rates[f"librosa{suffix}"]
            )
            for suffix in _SUFFIXES
            for name in ("all", "one")
        },
    )


def _seconds(name: str, music: Path) -> float:
    if name == "core":
        return _core_seconds(music)
    words = ["data", "build", str(music), "--name", "music", "--replace"]
    command = {"all": words, "one": [*words, "--workers", "1"], "librosa": [_SELF, str(music)]}
    environment = {"GENRE_TUI_DATA": str(music.parent / "datasets")}
    return time_command([sys.executable, "-m", *command[name]], environment)[0]


def _core_seconds(music: Path) -> float:
    """Seconds of the processor that decoding and both features take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    began = time.process_time()
    for path in music.rglob("*.*"):
        for block in stream_segments(path):
            mfcc_statistics(block)
            mel_spectrograms(block)
    torch.set_num_threads(threads)
    return time.process_time() - began


def _write_music(folder: Path, suffix: str, tracks: int) -> None:
    rng = np.random.default_rng(0)
    for number in range(tracks):
        genre = _GENRES[number % len(_GENRES)]
        mono = synthesise(genre, number, _SECONDS).reshape(-1) / 2.0**15
        sound = soxr.resample(mono, 8000, _RATE)
        stereo = np.stack([0.8 * sound, 0.6 * sound], axis=1)
        stereo += 0.003 * rng.standard_normal(stereo.shape)  # something above 4 kHz, too
        path = folder / genre / f"{number}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sound(path, stereo, _RATE, bit_rate=192_000)


def _build_by_librosa(music: Path) -> None:
    """What `build` does, as one writes it: a recording at a time, features in arrays."""
    import librosa

    features, labels = [], []
    for path in sorted(music.rglob("*.*")):
        y, _ = librosa.load(path, sr=8000)
        segments = (y[: len(y) // 8000 * 8000].reshape(-1, 8000) * 32767).astype(np.int16)
        features.append(librosa_features(segments, 1))
        labels += [path.parent.name] * len(segments)
    mel, mfcc = (np.concatenate(arrays) for arrays in zip(*features, strict=True))
    np.savez(music.parent / "librosa", mel=mel, mfcc=mfcc, labels=labels)


if __name__ == "__main__":
    _build_by_librosa(Path(sys.argv[1]))
