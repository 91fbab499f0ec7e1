"""Labelled rows of features of any origin to a dataset: classes, splits, tracks."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from data.audio.parameters import Features
from data.datasets.artists import in_one_spelling
from data.datasets.dataset import (
    SPLITS,
    UNKNOWN_TRACK,
    Dataset,
    Split,
    SplitName,
    check_genres,
)
from data.datasets.splitting import (
    DEFAULT_SHARES,
    check_shares,
    split_by_share,
    validation_of_train,
)
from data.errors import DataError
from data.sources.names import check_case

_SUFFIX = re.compile(r"\.(wav|mp3|flac|ogg|au|aiff?|m4a|opus|npy|png)$", re.IGNORECASE)
_GTZAN = re.compile(r"([\w-]+\.\d{5})\.(\d+)")
_NUMBERED = re.compile(
    r"(.+?)[._ -]+(?:(?:segment|seg|chunk|part|clip)[._ -]*)?(\d{1,4})", re.IGNORECASE
)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_LONGEST_TRACK = 1000  # characters
# Beyond these, rows of columns as they are train to nothing: the documented ones have 99 and 28.
_LARGEST = 1000.0  # value of a column
_WIDEST = 1000.0  # ratio of the columns' standard deviations


@dataclass(frozen=True)
class LabelledRows:
    """Rows that lie in one place; row i of every array is the same segment.

    Args:
        where: what they are, for sentences, such as "rows of x.npz".
        features: "mfcc" holds vectors, float64, "mel" images, float32. [shape=(n, d), (n, t, f)]
        labels: the genre of each row.
        tracks: the track, or file, that each row is of, or None.
        artists: the artist of each row, "" where unknown, or None.
        seconds: length of the segment that each row is of, or None. [shape=(n,)]
        start: second of the track at which each row begins, or None. [shape=(n,)]
        split: that each row belongs to, or None.
    """

    where: str
    features: Mapping[Features, npt.NDArray[Any]]
    labels: Sequence[str]
    tracks: Sequence[str] | None = None
    artists: Sequence[str] | None = None
    seconds: npt.NDArray[np.float64] | None = None
    start: npt.NDArray[np.float64] | None = None
    split: Sequence[SplitName] | None = None


@dataclass(frozen=True)
class FoundRows:
    """What a source of labelled rows holds.

    Args:
        sets: rows of each split; those under None are still to be split.
        classes: names in label order, where they were stated; else they are sorted.
        provenance: JSON-ready facts: its `features` has a line on each kind of features.
        notes: sentences on what was taken for what.
        warnings: sentences on what the user should know before trusting the rows.
    """

    sets: Mapping[SplitName | None, LabelledRows]
    classes: tuple[str, ...] | None
    provenance: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """A dataset made of foreign rows; `notes` and `warnings` as in `FoundRows`."""

    dataset: Dataset
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def to_dataset(
    name: str, found: FoundRows, shares: Sequence[float] | None, seed: int | None
) -> ImportReport:
    """The dataset of labelled rows, split where they are not split yet.

    Args:
        name: of the dataset.
        found: the rows.
        shares: of the tracks, or rows, in train, validation and test; None for the default.
        seed: of the random split; 0 if None.

    Raises:
        DataError: the rows make no dataset, or shares and seed are given and nothing is split.
    """
    notes, warnings = list(found.notes), list(found.warnings)
    genres = _genres(found, notes)
    number_of = {genre: number for number, genre in enumerate(genres)}
    sets = _by_track(found.sets, notes)
    tracks = sorted({track for rows in sets.values() for track in rows.tracks or ()})
    _check_tracks(tracks)
    track_number = {track: number for number, track in enumerate(tracks)}
    placed, how = _placed(sets, check_shares(shares or DEFAULT_SHARES), seed or 0, warnings)
    if isinstance(how, str) and (shares is not None or seed is not None):
        raise DataError(
            f"the {next(iter(sets.values())).where} are split already: leave shares and seed out."
        )
    splits: dict[SplitName, Split] = {}
    for split in SPLITS:
        rows, chosen = placed[split]
        labels = np.array([number_of[genre] for genre in rows.labels], dtype=np.int64)
        numbers = np.full(len(labels), UNKNOWN_TRACK, dtype=np.int64)
        if rows.tracks is not None:
            numbers = np.array([track_number[track] for track in rows.tracks], dtype=np.int64)
        mfcc, mel = rows.features.get("mfcc"), rows.features.get("mel")
        splits[split] = Split(
            mfcc=None if mfcc is None else mfcc[chosen],
            mel=None if mel is None else mel[chosen],
            label=labels[chosen],
            track=numbers[chosen],
            start=None if rows.start is None else rows.start[chosen],
        )
    dataset = Dataset(
        name=name,
        genres=genres,
        track_names=tuple(tracks),
        track_artists=_artists(tracks, sets.values()),
        provenance={**found.provenance, "split": how},
        parameters=None,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
    )
    if advice := scale_advice(dataset):
        warnings.append(advice)
    return ImportReport(dataset, tuple(notes), tuple(warnings))


def _genres(found: FoundRows, notes: list[str]) -> tuple[str, ...]:
    there = {genre for rows in found.sets.values() for genre in rows.labels}
    check_case(there, can_merge=False)
    if found.classes is None:
        check_genres(genres := tuple(sorted(there)))
        return genres
    genres = tuple(genre for genre in found.classes if genre in there)
    check_genres(genres)
    if absent := [genre for genre in found.classes if genre not in there]:
        notes.append(f"No row has the class {', '.join(absent)}: left out.")
    return genres


def _check_tracks(tracks: Sequence[str]) -> None:
    for track in tracks:
        if not track.strip() or len(track) > _LONGEST_TRACK or _UNSTORABLE.search(track):
            raise DataError(
                f"the name of a track must be 1 to {_LONGEST_TRACK} characters of text. Received: "
                f"{track!r:.100}."
            )


def columns_in_words(count: int) -> str:
    """Such as 57 columns."""
    return f"{count} column{'s' * (count != 1)}"


def tracks_of(names: Sequence[str], genres: Sequence[str]) -> tuple[list[str], list[int] | None]:
    """The track of each row, and where names tell it, the segment of the track that it is.

    GTZAN's `blues.00000.0.wav` is segment 0 of the track blues.00000. Other names that end in
    a number are those of segments if that gives every genre some tracks of several rows.

    Args:
        names: of the rows' tracks or files.
        genres: of the rows.
    """
    stems = [_SUFFIX.sub("", name) for name in names]
    for pattern in (_GTZAN, _NUMBERED):
        found = [match for match in map(pattern.fullmatch, stems) if match]
        tracks = [match[1] for match in found]
        if len(found) == len(stems) and (pattern is _GTZAN or _are_tracks(tracks, genres)):
            return tracks, [int(match[2]) for match in found]
    return stems, None


def _are_tracks(tracks: Sequence[str], genres: Sequence[str]) -> bool:
    pairs = set(zip(tracks, genres, strict=True))
    some = len(SPLITS) <= min(Counter(genre for _, genre in pairs).values(), default=0)
    return some and len(pairs) == len(set(tracks)) <= len(tracks) / 2


def _by_track(
    sets: Mapping[SplitName | None, LabelledRows], notes: list[str]
) -> dict[SplitName | None, LabelledRows]:
    """The rows with the tracks that their files are segments of, and where those begin."""
    named = [rows for rows in sets.values() if rows.tracks is not None]
    for rows in named:
        if len(rows.tracks or ()) != len(rows.labels):
            raise DataError(
                f"there are {len(rows.labels)} {rows.where}, and the groups are of "
                f"{len(rows.tracks or ())}: one a row is needed."
            )
    names = [name for rows in named for name in rows.tracks or ()]
    tracks, segments = tracks_of(names, [genre for rows in named for genre in rows.labels])
    if names:
        example = (
            "" if segments is None else f": {names[0]} is segment {segments[0]} of {tracks[0]}"
        )
        single = ", one a row" if len(set(tracks)) == len(tracks) else ""
        notes.append(f"{len(set(tracks))} tracks{single}{example}.")
    result, begin = dict(sets), 0
    for split, rows in sets.items():
        if rows.tracks is None:
            continue
        here = slice(begin, begin := begin + len(rows.tracks))
        start = rows.start
        if start is None and rows.seconds is not None and segments is not None:
            start = np.array(segments[here]) * rows.seconds
        result[split] = replace(rows, tracks=tracks[here], start=start)
    return result


def _artists(tracks: Sequence[str], sets: Iterable[LabelledRows]) -> tuple[str, ...]:
    """The artist of each track, "" where unknown; none where no track has one."""
    artist_of: dict[str, str] = {}
    for rows in sets:
        for track, artist in zip(rows.tracks or (), rows.artists or (), strict=False):
            artist_of[track] = artist_of.get(track) or artist
    artists = in_one_spelling([artist_of.get(track) for track in tracks])
    return artists if any(artists) else ()


_Placed = dict[SplitName, tuple[LabelledRows, Any]]  # the rows, and which of them


def _placed(
    sets: Mapping[SplitName | None, LabelledRows],
    shares: Mapping[SplitName, float],
    seed: int,
    warnings: list[str],
) -> tuple[_Placed, Any]:
    """The rows of each split, and how they were split, for the provenance."""
    everything = slice(None)
    if None in sets:
        rows = sets[None]
        if rows.split is not None:
            of = np.array(rows.split)
            return {split: (rows, np.flatnonzero(of == split)) for split in SPLITS}, "the files"
        return _by_chance(rows, shares, seed, warnings)
    placed = {split: (rows, everything) for split, rows in sets.items() if split is not None}
    if "validation" in placed:
        return placed, "the files"
    parts, _ = _by_chance(placed["train"][0], None, 0, warnings)
    return placed | parts, "the files, but for a fifth of train, by chance for validation"


def _by_chance(
    rows: LabelledRows, shares: Mapping[SplitName, float] | None, seed: int, warnings: list[str]
) -> tuple[_Placed, dict[str, Any]]:
    """Whole tracks, genre by genre, or single rows where the tracks are not known.

    Args:
        rows: to be split.
        shares: of the tracks in each split; None splits train rows into train and validation.
        seed: of the split.
        warnings: gets a sentence where tracks are not known.
    """
    tracks, unit = rows.tracks, "tracks"
    if tracks is None:
        digits = len(str(len(rows.labels)))
        tracks, unit = [f"{row:0{digits}d}" for row in range(len(rows.labels))], "rows"
        measures = "the test measures" if shares else "figures on validation rows measure"
        warnings.append(
            f"nothing says which {rows.where} are of one track, so that single rows were split by "
            f"chance: {measures} memory, unless each row is a track of its own. Name the track of "
            "each row with --groups."
        )
    of_track: dict[str, Counter[str]] = defaultdict(Counter)
    for track, genre in zip(tracks, rows.labels, strict=True):
        of_track[track][genre] += 1
    by_genre: dict[str, list[str]] = defaultdict(list)
    for track, genres in of_track.items():
        by_genre[min(genres, key=lambda genre: (-genres[genre], genre))].append(track)
    if shares is None:
        split_of = validation_of_train(by_genre, dict.fromkeys(of_track, "train"))
    else:
        split_of = split_by_share(by_genre, shares, seed)
    of = np.array([split_of[track] for track in tracks])
    placed = {
        split: (rows, np.flatnonzero(of == split)) for split in sorted(set(split_of.values()))
    }
    return placed, {"seed": seed, "shares": shares, "by": unit}


def scale_advice(dataset: Dataset) -> str | None:
    """What to do where the columns' scales are too different, or too large, to train on."""
    for kind in dataset.shapes:
        values = dataset.features(kind, "train")
        spread = values.std(axis=tuple(range(values.ndim - 1)), dtype=np.float64)
        spread = spread[spread > 0]
        largest = float(np.abs(values).max())
        ratio = float(spread.max() / spread.min()) if len(spread) else 1.0
        if largest > _LARGEST or (kind == "mfcc" and ratio > _WIDEST):
            return (
                f"the columns' scales are large or differ (values to {largest:.2g}, standard "
                f"deviations of which the largest is {ratio:.2g} times the smallest), so that "
                "networks on the columns as they are learn next to nothing: run studies with "
                "--vary network.standardize=true."
            )
    return None
