"""The process that decodes tracks and computes their features, one after another."""

from __future__ import annotations

import hashlib
import os
import signal
import zlib
from collections.abc import Callable
from io import FileIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from data.audio.decoding import Damage, NotAudio
from data.audio.features import mel_spectrograms, mfcc_statistics
from data.audio.parameters import FeatureParameters
from data.audio.tracks import Extracted, Skipped, Track, row_dtype
from data.errors import DataError
from data.files.atomic import writing
from data.processes import end_with_parent

T = TypeVar("T")

_CPU_SECONDS = 60.0  # of the processor that a decoder may use without a result
_CPU_SHARE = 0.5  # and that each second of sound adds to what is left of them
_WALL_SECONDS = 600.0  # between two blocks, on however slow a disk or busy a machine
_LONGEST = 100 * 3600  # seconds of a track; a decoder that goes in circles would fill the disk


def serve(pipe: Connection, file: Path, parameters: FeatureParameters, folder: str) -> None:
    """Receive tracks, and send an `Extracted` or a `Skipped` for each, or an error.

    A decoder that hangs ends the process by SIGPROF or SIGALRM, whatever it is busy with.

    Args:
        pipe: to the parent; None is sent first, as a sign that all is well.
        file: for the rows; no other process ever writes to it.
        parameters: of the segments and their features.
        folder: that relative paths in tracks begin at.
    """
    end_with_parent()
    os.chdir(folder)
    # Decoders written in C print to stderr; their errors are reported as `Skipped`.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    torch.set_num_threads(1)  # the same bits with any number of workers
    try:
        with writing(file), file.open("xb", buffering=0) as rows:
            pipe.send(None)
            while True:
                pipe.send(_extract(pipe.recv(), file, rows, parameters))
    except Exception as error:
        pipe.send(error)


def _extract(
    track: Track, file: Path, rows: FileIO, parameters: FeatureParameters
) -> Extracted | Skipped:
    offset = rows.tell()
    digest, crc32, segments = hashlib.sha256(), 0, 0
    notes: list[str] = []
    _limit(_CPU_SECONDS)
    blocks = track.segments(parameters, notes.append)
    while not isinstance(block := _attempt(track, lambda: next(blocks, None)), Skipped | None):
        segments += len(block)
        if segments * parameters.segment_seconds > _LONGEST:
            block = Skipped(
                f"{track.name} does not end: {_LONGEST // 3600} hours of it were read; leave it "
                "out, or cut it into parts."
            )
            break
        digest.update(block.tobytes())
        features = _features(block, parameters)
        crc32 = zlib.crc32(features, crc32)
        with writing(file):
            while features:
                features = features[rows.write(features) :]
        _limit(_cpu_seconds_left() + _CPU_SHARE * len(block) * parameters.segment_seconds)
    tags = _attempt(track, track.tags)
    _limit(0)
    if block is not None:
        rows.seek(offset)
        rows.truncate()
        return block
    return Extracted(
        file,
        offset,
        segments,
        crc32,
        digest.hexdigest(),
        tuple(map(str, notes)),
        str(next((note for note in notes if isinstance(note, Damage)), "")),
        {} if isinstance(tags, Skipped) else tags,
    )


def _attempt(track: Track, read: Callable[[], T]) -> T | Skipped:
    """What a decoder gives, or why it does not."""
    try:
        return read()
    except DataError as error:
        return Skipped(str(error), not isinstance(error, NotAudio))
    except Exception as error:
        return Skipped(f"{track.name} cannot be decoded ({error!r:.200}): leave it out.")


def _features(block: npt.NDArray[np.int16], parameters: FeatureParameters) -> memoryview:
    features = np.empty(len(block), row_dtype(parameters))
    features["mfcc"] = mfcc_statistics(block, parameters)
    features["mel"] = mel_spectrograms(block, parameters)
    return features.view(np.uint8).data


def _limit(cpu_seconds: float) -> None:
    """End this process after so much of the processor's time, or a long while; 0: never."""
    signal.setitimer(signal.ITIMER_PROF, min(cpu_seconds, _CPU_SECONDS))
    signal.setitimer(signal.ITIMER_REAL, _WALL_SECONDS if cpu_seconds else 0)


def _cpu_seconds_left() -> float:
    return signal.getitimer(signal.ITIMER_PROF)[0]
