"""Features of many tracks at once, by worker processes, through files on disk.

A track's features go to scratch files as they are computed, so that neither a
long recording nor a large collection has to fit into memory.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from data.audio.features import mel_spectrograms, mfcc_statistics
from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.errors import DataError
from data.files.atomic import writing
from data.processes import end_with_parent, starting_workers, usable_cores


class Track(Protocol):
    """A source of segments: a recording, or synthesised music. Picklable."""

    @property
    def name(self) -> str:
        """Unique name of the track."""

    @property
    def weight(self) -> int:
        """Amount of work in any unit, for the progress bar."""

    def segments(
        self, parameters: FeatureParameters, note: Callable[[str], None]
    ) -> Iterator[npt.NDArray[np.int16]]:
        """Blocks of segments; `note` takes a sentence on what is odd about the track.

        [shape=(k, parameters.segment_samples)]
        """


@dataclass(frozen=True)
class Extracted:
    """Features of one track, in scratch files.

    Args:
        segments: their number.
        samples_sha256: hash of the segments' samples.
        stem: path of its files without their suffix.
        parameters: of the features.
        notes: a sentence for each thing that is odd about the track.
    """

    segments: int
    samples_sha256: str
    stem: Path
    parameters: FeatureParameters = DOCUMENTED
    notes: tuple[str, ...] = ()

    def mfcc(self) -> npt.NDArray[np.float64]:
        """MFCC statistics, mapped from disk. [shape=(segments, 26)]"""
        shape = (self.segments, *self.parameters.mfcc_shape)
        return np.memmap(self.stem.with_suffix(".mfcc"), np.float64, "r", shape=shape)

    def mel(self) -> npt.NDArray[np.float32]:
        """Mel-spectrograms, mapped from disk. [shape=(segments, 21, 128)]"""
        shape = (self.segments, *self.parameters.mel_shape)
        return np.memmap(self.stem.with_suffix(".mel"), np.float32, "r", shape=shape)


@dataclass(frozen=True)
class Skipped:
    """A track without features; `reason` is a sentence."""

    reason: str


Progress = Callable[[Track, Extracted | Skipped], None]


def extract(
    tracks: Sequence[Track],
    scratch: Path,
    workers: int | None,
    progress: Progress,
    parameters: FeatureParameters = DOCUMENTED,
) -> dict[str, Extracted | Skipped]:
    """The features of each track by its name; broken tracks are skipped with a reason.

    The result does not depend on the number of workers.

    Args:
        tracks: with names that differ.
        scratch: an existing folder for intermediate files.
        workers: processes; 1 computes in this one, None means one a core.
        progress: called after each track.
        parameters: of the segments and their features.

    Raises:
        DataError: the folder cannot be written.
    """
    workers = workers or usable_cores()
    results: dict[str, Extracted | Skipped] = {}
    places = {track.name: scratch / str(number) for number, track in enumerate(tracks)}

    def done(track: Track, result: Extracted | Skipped) -> None:
        results[track.name] = result
        progress(track, result)

    if workers <= 1:
        for track in tracks:
            done(track, _extract(track, places[track.name], parameters))
        return results
    for track, result in _in_pool(tracks, places, workers, parameters):
        done(track, result)
    # A decoder that crashed has ended its pool: the other tracks go one at a time.
    for track in tracks:
        if track.name not in results:
            alone = list(_in_pool([track], places, 1, parameters))
            crash = Skipped(f"{track.name} crashes its decoder: it is damaged; leave it out.")
            done(track, alone[0][1] if alone else crash)
    return results


def _in_pool(
    tracks: Sequence[Track],
    places: dict[str, Path],
    workers: int,
    parameters: FeatureParameters,
) -> Iterator[tuple[Track, Extracted | Skipped]]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tracks)), context, initializer=_begin_worker)
    futures: dict[Future[Extracted | Skipped], Track] = {}
    try:
        with starting_workers():
            for track in tracks:
                future = pool.submit(_extract, track, places[track.name], parameters)
                futures[future] = track
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool:
        return
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker() -> None:
    end_with_parent()
    # Decoders written in C print to stderr; their errors are reported as `Skipped`.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _extract(track: Track, stem: Path, parameters: FeatureParameters) -> Extracted | Skipped:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the same bits with any number of workers
    digest, segments, silent = hashlib.sha256(), 0, True
    notes: list[str] = []
    try:
        with (
            writing(stem),
            stem.with_suffix(".mfcc").open("wb") as mfcc,
            stem.with_suffix(".mel").open("wb") as mel,
        ):
            try:
                for block in track.segments(parameters, notes.append):
                    silent = silent and not block.any()
                    segments += len(block)
                    digest.update(block.tobytes())
                    mfcc.write(mfcc_statistics(block).tobytes())
                    mel.write(mel_spectrograms(block).tobytes())
            except DataError as error:
                return Skipped(str(error))
        if silent:
            return Skipped(f"{track.name} is silent from beginning to end.")
        return Extracted(segments, digest.hexdigest(), stem, parameters, tuple(notes))
    finally:
        torch.set_num_threads(threads)
