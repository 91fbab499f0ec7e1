"""A dataset: train, validation and test splits of segments' features."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from data.audio.constants import MOST_ROW_VALUES
from data.audio.parameters import (
    FEATURE_AXES,
    FEATURE_NAMES,
    KINDS,
    FeatureParameters,
    Features,
    is_row_shape,
)
from data.datasets.artists import check_artists
from data.errors import DataError

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
UNKNOWN_TRACK = -1
LEAST_GENRES = 2
MOST_GENRES = 1000
LONGEST_GENRE = 100  # characters

_READERS: dict[Features, tuple[str, ...]] = {  # the networks, those of the others, and arrays
    "mfcc": ("feed-forward networks", "CNN", "(n, d)"),
    "mel": ("convolutional networks", "FFN", "(n, t, f)"),
}

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, repr=False)
class Split:
    """Rows of one split; row i of every array is the same segment.

    Args:
        mfcc: MFCC statistics, float64, or None. [shape=(n, d)]
        mel: mel-spectrograms in dB, float32, or None. [shape=(n, frames, bands)]
        label: places in the dataset's `genres`. [shape=(n,)]
        track: places in the dataset's `track_names`, -1 where unknown. [shape=(n,)]
        start: second of the track at which the segment begins, or None. [shape=(n,)]
        row: of a cross-validation fold, places among all rows of the dataset; else None, and
            never part of its content. [shape=(n,)]

    Example:
        >>> from data import load_dataset
        >>> load_dataset("demo").train.mfcc.shape
        (3200, 26)
    """

    mfcc: Float64 | None
    mel: Float32 | None
    label: Int64
    track: Int64
    start: Float64 | None = None
    row: Int64 | None = None

    def __len__(self) -> int:
        return len(self.label)

    def __repr__(self) -> str:
        arrays = ", ".join(f"{name} {value.shape}" for name, value in self.arrays())
        return f"<Split of {len(self)} segments: {arrays}>"

    @property
    def shapes(self) -> dict[Features, tuple[int, ...]]:
        """The shape of a row of each kind of features that there is."""
        return {
            kind: getattr(self, kind).shape[1:] for kind in KINDS if getattr(self, kind) is not None
        }

    def statistics(self) -> Float64:
        """A few numbers a row, for classifiers other than networks. [shape=(n, d)]

        The MFCC statistics; where there are none, the mean of each mel band over the frames,
        then their standard deviations.
        """
        if self.mfcc is not None:
            return self.mfcc
        assert self.mel is not None
        mean, std = (of(self.mel, axis=1, dtype=np.float64) for of in (np.mean, np.std))
        return np.concatenate([mean, std], axis=1)

    def arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Names and values of the arrays that are there, in a fixed order."""
        for name in ("mfcc", "mel", "label", "track", "start"):
            value = getattr(self, name)
            if value is not None:
                yield name, value


@dataclass(frozen=True, repr=False)
class Dataset:
    """Three splits with the names of their classes and tracks.

    Args:
        name: what the user calls it.
        genres: class names in label order.
        train, validation, test: the splits.
        track_names: names of the tracks that `Split.track` numbers, maybe none.
        provenance: JSON-ready facts about where the rows came from.
        parameters: of segments and features; None where they are not known.
        track_artists: the artist of each of `track_names`, "" where unknown; none where no
            artist is known.

    Raises:
        DataError: a shape, type or value that cannot be; a track in two splits.

    Example:
        >>> from data import load_dataset
        >>> load_dataset("demo").genres
        ('blues', 'classical', 'pop', 'rock')
    """

    name: str
    genres: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    track_names: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    parameters: FeatureParameters | None = None
    track_artists: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_genres(self.genres)
        check_artists(self.track_artists, len(self.track_names))
        for split, rows in self.splits():
            _check_split(f"the {split} split of {self.name}", rows, self)
        self._check_shapes()
        missing = set(range(len(self.genres))) - set(self.train.label.tolist())
        if missing:
            raise DataError(
                f"every genre needs train rows. In {self.name} there are none of: "
                f"{', '.join(self.genres[label] for label in sorted(missing))}."
            )
        self._check_tracks_apart()

    def __repr__(self) -> str:
        rows = ", ".join(f"{len(rows)} {split}" for split, rows in self.splits())
        return f"<Dataset {self.name!r}: {', '.join(self.genres)}; segments: {rows}>"

    def _repr_html_(self) -> str:
        counts = self.class_counts()
        table = [["segments", *SPLITS]]
        table += [[genre, *map(str, of.values())] for genre, of in counts.items()]
        rows = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><caption>{escape(self.name)}</caption>{body}</table>"

    def class_counts(self) -> dict[str, dict[SplitName, int]]:
        """Segments of each genre in each split."""
        return {
            genre: {s: int(np.count_nonzero(rows.label == label)) for s, rows in self.splits()}
            for label, genre in enumerate(self.genres)
        }

    def track_counts(self) -> dict[SplitName, int]:
        """Named tracks of each split."""
        return {
            s: len(np.unique(rows.track[rows.track != UNKNOWN_TRACK])) for s, rows in self.splits()
        }

    def artist_splits(self) -> dict[str, list[SplitName]]:
        """The splits that tracks of each artist are in, by the artists' names, sorted."""
        splits: dict[str, list[SplitName]] = {
            name: [] for name in sorted(set(self.track_artists) - {""})
        }
        for split, rows in self.splits() if splits else ():
            tracks = np.unique(rows.track[rows.track != UNKNOWN_TRACK]).tolist()
            for name in {self.track_artists[track] for track in tracks} - {""}:
                splits[name].append(split)
        return {name: of for name, of in splits.items() if of}

    def splits(self) -> Iterator[tuple[SplitName, Split]]:
        """Names and rows of train, validation and test, in this order."""
        for name in SPLITS:
            yield name, getattr(self, name)

    @property
    def shapes(self) -> dict[Features, tuple[int, ...]]:
        """The shape of a row of each kind of features that there is."""
        return self.train.shapes

    @property
    def has_mel(self) -> bool:
        """Whether there are mel-spectrograms."""
        return self.train.mel is not None

    def features(self, kind: Features, split: SplitName) -> npt.NDArray[Any]:
        """The inputs that a network reads: [shape=(n, d)] or [shape=(n, frames, bands)].

        Raises:
            DataError: there are none of this kind.
        """
        check_there([kind], self.shapes, self.name)
        values: npt.NDArray[Any] = getattr(getattr(self, split), kind)
        return values

    @cached_property
    def content_sha256(self) -> str:
        """Hash of all rows, class names and track names, whatever their file."""
        return content_hash(self.genres, self.track_names, self.digests(), self.track_artists)

    def digests(self) -> dict[str, ArrayDigest]:
        """The hash of each array, such as "train/mfcc"."""
        return {
            f"{split}/{name}": ArrayDigest(value.dtype, value.shape[1:]).update(value)
            for split, rows in self.splits()
            for name, value in rows.arrays()
        }

    def _check_shapes(self) -> None:
        for split, rows in self.splits():
            if rows.shapes != self.shapes:
                raise DataError(
                    f"all splits of {self.name} must have the same features, of the same shapes. "
                    f"Received: train {_shown(self.shapes)}, {split} {_shown(rows.shapes)}."
                )
        if self.parameters is not None:
            expected = self.parameters.shapes
            if not self.shapes.items() <= expected.items():
                raise DataError(
                    f"features of {self.name} must have the shapes that their parameters give: "
                    f"{_shown(expected)}. Received: {_shown(self.shapes)}."
                )

    def _check_tracks_apart(self) -> None:
        seen: dict[int, SplitName] = {}
        for split, rows in self.splits():
            for track in np.unique(rows.track[rows.track != UNKNOWN_TRACK]).tolist():
                if track in seen:
                    name = self.track_names[track] if self.track_names else str(track)
                    raise DataError(
                        f"no track may be in two splits, or the test measures memory. In "
                        f"{self.name} the track {name} is in {seen[track]} and {split}."
                    )
                seen[track] = split


class ArrayDigest:
    """Running hash of an array that arrives in blocks of `rows` rows so far."""

    def __init__(self, dtype: np.dtype[Any], row_shape: tuple[int, ...]) -> None:
        self.dtype = dtype
        self._row_shape = row_shape
        self.rows = 0
        self._sha = hashlib.sha256()

    def update(self, rows: npt.NDArray[Any]) -> ArrayDigest:
        """Add further rows. [shape=(k, *row_shape)]"""
        self.rows += len(rows)
        little_endian = rows.dtype.newbyteorder("<")
        self._sha.update(np.ascontiguousarray(rows, dtype=little_endian).data.cast("B"))
        return self

    def summary(self) -> tuple[str, list[int], str]:
        """Type, shape and hash of all rows so far."""
        return self.dtype.name, [self.rows, *self._row_shape], self._sha.hexdigest()


def content_hash(
    genres: tuple[str, ...],
    track_names: tuple[str, ...],
    arrays: Mapping[str, ArrayDigest],
    track_artists: tuple[str, ...] = (),
) -> str:
    """SHA-256 of a dataset's content, from the digests of its arrays."""
    content: dict[str, Any] = {
        "genres": genres,
        "tracks": track_names,
        "arrays": {name: arrays[name].summary() for name in sorted(arrays)},
    } | ({"artists": track_artists} if track_artists else {})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_genres(genres: Sequence[str]) -> None:
    """Raise DataError unless the names can be the classes of a dataset."""
    if not LEAST_GENRES <= len(genres) <= MOST_GENRES:
        found = f" ({genres[0]})" if len(genres) == 1 else ""
        raise DataError(
            f"a dataset needs {LEAST_GENRES} to {MOST_GENRES} genres to tell apart. "
            f"Received: {len(genres)}{found}."
        )
    if len(set(genres)) != len(genres):
        raise DataError(f"genre names must differ. Received: {', '.join(genres)}.")
    for name in genres:
        if not name.strip() or len(name) > LONGEST_GENRE or not name.isprintable():
            raise DataError(
                f"a genre's name must be 1 to {LONGEST_GENRE} printable characters. "
                f"Received: {name!r}."
            )


def check_features(where: str, values: npt.NDArray[Any], kind: Features) -> None:
    """Raise DataError unless `values` are features of this kind, all finite as float32."""
    if not is_row_shape(kind, values.shape[1:]):
        raise DataError(
            f"{where}: {kind} must have the shape (n, {FEATURE_AXES[kind]}) with at most "
            f"{MOST_ROW_VALUES:,} values a row. Received: {values.shape}."
        )
    if values.dtype.kind != "f":
        raise DataError(f"{where}: {kind} must be floating point. Received: {values.dtype}.")
    check_finite(f"{where}: {kind}", values)


def check_finite(where: str, values: npt.NDArray[Any]) -> None:
    """Raise DataError unless all values are finite as the float32 that networks read."""
    with np.errstate(over="ignore"):
        finite = np.isfinite(values.astype(np.float32, copy=False))
    if not finite.all():
        place = np.unravel_index(np.argmin(finite), finite.shape)
        raise DataError(
            f"{where} must be finite numbers within the range of float32. Row {place[0]} "
            f"(counted from 0) holds {values[place]:g}: extract it again or leave it out."
        )


def _check_split(where: str, rows: Split, dataset: Dataset) -> None:
    for kind in KINDS:
        if (values := getattr(rows, kind)) is not None:
            check_features(where, values, kind)
    if not rows.shapes:
        raise DataError(f"{where} must have mfcc or mel features, or both. Received: none.")
    if len(rows) == 0:
        raise DataError(f"{where} must have at least one row. Received: none.")
    for name, value in rows.arrays():
        if len(value) != len(rows):
            raise DataError(
                f"{where}: every array needs one row a segment. Received: {len(value)} rows of "
                f"{name}, {len(rows)} labels."
            )
    tracks = len(dataset.track_names) or np.iinfo(np.int64).max
    for name, least, below in (("label", 0, len(dataset.genres)), ("track", -1, tracks)):
        value = getattr(rows, name)
        if value.ndim != 1 or value.dtype.kind not in "iu":
            raise DataError(
                f"{where}: {name} must be whole numbers of shape (n,). Received: {value.dtype} of "
                f"shape {value.shape}."
            )
        if value.min() < least or value.max() >= below:
            raise DataError(
                f"{where}: {name} must lie in {least} to {below - 1}. Received: {value.min()} to "
                f"{value.max()}."
            )
    if (start := rows.start) is None:
        return
    seconds = start.ndim == 1 and start.dtype.kind == "f" and np.isfinite(start).all()
    if not seconds or start.min() < 0:
        raise DataError(f"{where}: start must be finite seconds, at least 0, of shape (n,).")


def check_there(needed: Iterable[Features], there: Container[Features], name: str) -> None:
    """Raise DataError unless a dataset of a name has all features that are needed."""
    for kind in needed:
        if kind not in there:
            readers, others, shape = _READERS[kind]
            raise DataError(
                f"the dataset {name} has no {FEATURE_NAMES[kind]}, which {readers} read. "
                f"Studies of the {others} run on it; for this one build a dataset from recordings "
                f"(python -m data build FOLDER), or import arrays of the shape {shape}."
            )


def _shown(shapes: Mapping[Features, tuple[int, ...]]) -> str:
    return ", ".join(f"{kind} {shape}" for kind, shape in shapes.items()) or "none"
