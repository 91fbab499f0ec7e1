"""Segments a second that both features are computed for, beside librosa."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import threadpoolctl
import torch

from data.audio.features import mel_spectrograms, mfcc_statistics
from experiments.errors import RunError
from tests.bench.measure import Benchmark, Row, in_turn, machine_facts, rate_of, ratio

_FAST, _SLOW = 2048, 256  # segments a repeat, batched and one by one


def bench_features(repeats: int) -> Benchmark:
    """Measure MFCC statistics and mel-spectrograms together, on one core.

    librosa computes mel-spectrograms of the same shape and 13 MFCCs of 40 mel
    bands, with their means and standard deviations: the same work, though its
    MFCCs are of another formula.

    Args:
        repeats: of every measurement.

    Raises:
        RunError: librosa is not installed.
    """
    require_librosa()
    rng = np.random.default_rng(0)
    segments = rng.integers(-20000, 20000, (_FAST, 8000)).astype(np.int16)
    few = segments[:_SLOW]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            values = in_turn(
                {
                    "ours": rate_of(lambda: _ours(segments, len(segments))),
                    "ours-one-by-one": rate_of(lambda: _ours(few, 1)),
                    "librosa-batched": rate_of(lambda: len(librosa_features(few, 64)[0])),
                    "librosa-one-by-one": rate_of(lambda: len(librosa_features(few, 1)[0])),
                },
                repeats,
            )
    finally:
        torch.set_num_threads(threads)
    what = {
        "ours": "genre-tui, batched",
        "ours-one-by-one": "genre-tui, one by one",
        "librosa-batched": "librosa, batches of 64",
        "librosa-one-by-one": "librosa, one by one",
    }
    rows = tuple(Row(name, what[name], "segments/s", values[name]) for name in what)
    return Benchmark(
        machine_facts("cpu", 1, librosa=version("librosa")),
        rows,
        {
            "ours / librosa one by one": ratio(values["ours"], values["librosa-one-by-one"]),
            "ours / librosa batched": ratio(values["ours"], values["librosa-batched"]),
        },
    )


def _ours(segments: npt.NDArray[np.int16], batch: int) -> int:
    for begin in range(0, len(segments), batch):
        mfcc_statistics(segments[begin : begin + batch])
        mel_spectrograms(segments[begin : begin + batch])
    return len(segments)


def require_librosa() -> None:
    """Raise RunError unless librosa is installed."""
    try:
        import librosa  # noqa: F401
    except ImportError as error:
        raise RunError(
            "this benchmark compares with librosa, which is not installed: in the project's "
            "folder, pip install -c constraints.txt -e '.[bench]'."
        ) from error


def librosa_features(
    segments: npt.NDArray[np.int16], batch: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mel-spectrograms and MFCC statistics of segments at 8 kHz, some at a time."""
    import librosa

    frames: dict[str, Any] = {"sr": 8000, "n_fft": 400, "hop_length": 400}
    mels, statistics = [], []
    for begin in range(0, len(segments), batch):
        y = segments[begin : begin + batch].astype(np.float32) / 32768
        mel = librosa.feature.melspectrogram(y=y, n_mels=128, **frames)
        mels.append(librosa.power_to_db(mel, ref=np.max))
        mfcc = librosa.feature.mfcc(y=y, n_mfcc=13, n_mels=40, **frames)
        statistics.append(np.concatenate([mfcc.mean(axis=-1), mfcc.std(axis=-1)], axis=-1))
    return np.concatenate(mels), np.concatenate(statistics)
