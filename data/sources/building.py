"""The features of a dataset's tracks, on disk until its file is written; with progress."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Generic, TypeVar

from data.audio.extraction import extract
from data.audio.feature_store import FeatureStore
from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.audio.tracks import Extracted, Skipped, Track, row_dtype
from data.errors import DataError
from data.files.atomic import check_space
from data.storage import catalogue
from data.terminal.progress import ProgressBar

T = TypeVar("T", bound=Track)

_ENOUGH = 0.03  # of the work, after which an estimate of the rest is worth showing
_SHOWN = 3  # sentences of a kind
_VARIES = re.compile(r"^\.\w+|[\d.]+")  # in sentences of a kind: the suffix, numbers
_MUCH = 1e9  # bytes on disk that are worth announcing


@dataclass(frozen=True)
class TrackFeatures(Generic[T]):
    """What the tracks of a dataset gave.

    Args:
        used: tracks with features, in the order in which they were given.
        skipped: reason of each that cannot be used, or is a copy of a used one, by its name.
        not_audio: reason of each that is no audio at all.
        notes: sentences on what is odd about tracks that are used, by their names.
    """

    used: list[tuple[T, Extracted]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    not_audio: dict[str, str] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)


def grouped(notes: Mapping[str, Sequence[str]]) -> list[str]:
    """Sentences on tracks, without most of those that say the same of many.

    Args:
        notes: sentences by the names of the tracks, which are part of the sentences.
    """
    alike: dict[str, list[str]] = {}
    for name, sentences in notes.items():
        for sentence in sentences:
            said = sentence.rpartition(name)[2]
            alike.setdefault(_VARIES.sub("", said), []).append(sentence)
    shown = []
    for group in alike.values():
        shown += group[:_SHOWN]
        if len(group) > _SHOWN:
            shown[-1] += f" And {len(group) - _SHOWN} more like this."
    return shown


@contextmanager
def features_of(
    tracks: Sequence[T],
    target: Path,
    what: str,
    *,
    parameters: FeatureParameters = DOCUMENTED,
    workers: int | None = None,
    strict: bool = False,
) -> Iterator[TrackFeatures[T]]:
    """The features of tracks, which are on disk in this block; shows a progress bar.

    They stay on disk when the block raises, or the process is killed: the next call for the
    same `target` goes on from there.

    Args:
        tracks: with names that differ.
        target: file of the dataset.
        what: is being done, for the progress bar.
        parameters: of the features.
        workers: processes; one a core if None.
        strict: raise at the first track that cannot be used or is damaged.

    Raises:
        DataError: as `extract`, there is too little space, or `strict` does not allow a track.
    """
    with FeatureStore(catalogue.unfinished_folder(target), parameters) as store:
        results = _kept(tracks, store)
        with ProgressBar(what, sum(track.weight for track in tracks), "segments") as bar:
            _extract(tracks, results, store, target, workers, strict, bar)
            bar.note("writing the dataset")
            yield _sorted_out(tracks, results, strict)


def _kept(tracks: Sequence[Track], store: FeatureStore) -> dict[str, Extracted | Skipped]:
    """Features that a computation which was ended has left."""
    kept: dict[str, Extracted | Skipped] = {}
    if len(store):
        with ProgressBar("checking what is there already", len(tracks), "tracks") as bar:
            for track in tracks:
                if features := store.find(track.key):
                    kept[track.name] = features
                bar.advance(1, 1)
            bar.print(f"Going on: {len(kept)} of {len(tracks)} tracks are there already.")
    return kept


def _extract(
    tracks: Sequence[Track],
    results: dict[str, Extracted | Skipped],
    store: FeatureStore,
    target: Path,
    workers: int | None,
    strict: bool,
    bar: ProgressBar,
) -> None:
    """Compute what is not in `results` yet."""
    waiting = [track for track in tracks if track.name not in results]
    # In a random order what is done stands for what is left, however unlike folders are.
    Random(0).shuffle(waiting)
    forecast = Forecast(waiting)
    bar.advance(sum(track.weight for track in tracks if track.name in results), 0, left=math.nan)
    is_checked = False

    def progress(track: Track, result: Extracted | Skipped, seconds: float) -> None:
        nonlocal is_checked
        results[track.name] = result
        if isinstance(result, Skipped):
            _check_strict(strict, result.reason if result.is_audio else "")
            segments = 0
        else:
            _check_strict(strict, result.damage)
            segments = result.segments
        forecast.add(track, seconds, segments)
        left = forecast.seconds_left if forecast.is_reliable else math.nan
        bar.advance(track.weight, segments, left=left)
        if forecast.is_reliable and not is_checked:
            is_checked = True
            done = sum(one.segments for one in results.values() if isinstance(one, Extracted))
            _check_space(target, store.parameters, done, forecast.segments_left, bar)

    extract(waiting, store, workers, progress)


def _check_space(
    target: Path, parameters: FeatureParameters, done: int, left: float, bar: ProgressBar
) -> None:
    row_bytes = row_dtype(parameters).itemsize
    needed = int((done + 2 * left) * row_bytes)  # the rows are copied into the dataset's file
    if needed > _MUCH:
        bar.print(
            f"About {done + left:.2g} segments are expected: {needed / 1e9:.0f} GB of disk until "
            f"the dataset is written, then {(done + left) * row_bytes / 1e9:.0f} GB."
        )
    check_space(target, needed)


class Forecast:
    """What tracks will still take, by what others of their kind have taken."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._left: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._segments: dict[str, float] = {}
        for track in tracks:
            self._left[track.kind] += track.weight

    def add(self, track: Track, seconds: float, segments: int) -> None:
        """Count a track that is done."""
        kind = track.kind
        self._left[kind] -= track.weight
        self._done[kind] += track.weight
        self._seconds[kind] = self._seconds.get(kind, 0.0) + seconds
        self._segments[kind] = self._segments.get(kind, 0.0) + segments

    @property
    def is_reliable(self) -> bool:
        """Whether enough is done."""
        return self._done.total() >= _ENOUGH * (self._done.total() + self._left.total())

    @property
    def seconds_left(self) -> float:
        """Seconds until all are done."""
        return self._expected(self._seconds)

    @property
    def segments_left(self) -> float:
        """Number of segments."""
        return self._expected(self._segments)

    def _expected(self, taken: Mapping[str, float]) -> float:
        mean = sum(taken.values()) / max(self._done.total(), 1)
        return sum(
            max(weight, 0) * (taken[kind] / self._done[kind] if self._done[kind] else mean)
            for kind, weight in self._left.items()
        )


def _sorted_out(
    tracks: Sequence[T], results: Mapping[str, Extracted | Skipped], strict: bool
) -> TrackFeatures[T]:
    """Tracks that can be used; of those with the same sound only the first."""
    features: TrackFeatures[T] = TrackFeatures()
    firsts: dict[str, str] = {}
    for track in tracks:
        result = results[track.name]
        if isinstance(result, Skipped):
            if result.is_audio:
                features.skipped[track.name] = result.reason
            else:
                features.not_audio[track.name] = result.reason
            continue
        first = firsts.setdefault(result.samples_sha256, track.name)
        if first != track.name:
            features.skipped[track.name] = (
                f"{track.name} sounds exactly like {first}: a copy would leak between splits."
            )
            _check_strict(strict, features.skipped[track.name])
            continue
        _check_strict(strict, result.damage)
        features.used.append((track, result))
        if result.notes:
            features.notes[track.name] = result.notes
    return features


def _check_strict(strict: bool, reason: str) -> None:
    if strict and reason:
        raise DataError(f"{reason} (strict: no dataset was written.)")
