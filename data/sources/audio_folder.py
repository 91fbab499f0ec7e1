"""Builds a dataset from a folder of recordings."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.datasets.artists import Grouping
from data.datasets.dataset import LEAST_GENRES, SPLITS, Dataset, SplitName
from data.datasets.splitting import (
    DEFAULT_SHARES,
    check_shares,
    split_by_share,
    too_few_tracks,
    validation_of_train,
)
from data.errors import DataError
from data.files.arguments import check_whole, user_path
from data.sources.audio_files import kinds
from data.sources.building import features_of, grouped
from data.sources.grouping import artists_of, check_apart, check_grouping, tags_of
from data.sources.recordings import Labels, Recording, find_recordings
from data.storage import catalogue, hdf5
from data.storage.track_writer import PlacedTrack, write_dataset


@dataclass(frozen=True)
class BuildReport:
    """How a folder of recordings was built.

    Args:
        tracks: number of recordings in the dataset.
        skipped: why each of the others is left out, by its name.
        remarks: a sentence on each thing that was decided or left out beside them.
        notes: sentences on what is odd about recordings in the dataset.
    """

    tracks: int
    skipped: Mapping[str, str]
    remarks: Sequence[str]
    notes: Mapping[str, Sequence[str]]


def build_dataset(
    folder: str | Path,
    name: str | None = None,
    *,
    labels: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    merge: Mapping[str, Sequence[str]] | None = None,
    only: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    splits: str | Path | Sequence[str | Path] | None = None,
    shares: Sequence[float] | None = None,
    seed: int | None = None,
    group: Grouping = "track",
    seconds: float = 1.0,
    mels: int = 128,
    mfcc: int = 13,
    rate: int = 8000,
    frame: int | None = None,
    hop: int | None = None,
    workers: int | None = None,
    strict: bool = False,
    replace: bool = False,
) -> Dataset:
    """Build a dataset from recordings and add it to the user's datasets.

    Whole tracks go to train, validation or test, genre by genre. Broken recordings,
    copies and genres with too few tracks are left out, with a warning each;
    others warn of what is odd about recordings that are used. Shows a progress bar.

    Args:
        folder: holds a folder of recordings a genre: `<genre>/<track>.<ext>`, or another
            layout of docs/datasets.md.
        name: of the dataset; the folder's name if None.
        labels: CSV file with a row a track: its file and genre, maybe its split and artist.
        columns: names of that file's columns for "path", "label", "split" and "artist",
            where they are unusual, such as `{"label": "mood"}`.
        merge: class name to the genres that it consists of, such as
            `{"rock_metal": ["rock", "metal"]}`.
        only: the classes to use; all if None.
        exclude: classes to leave out.
        splits: CSV file with the columns track and split, three lists of files, or the
            folder of such lists; `folder/splits.csv` if None and there is one. Else the
            table or the folders may state splits, or tracks are split at random.
        shares: of the tracks in train, validation and test; (0.60, 0.15, 0.25) if None.
        seed: of the random split; 0 if None.
        group: what stays in one split: "track", or all tracks of an "artist", as a table or
            folders genre/artist/album name them, or the files' own tags with "tag:artist" or
            "tag:album_artist".
        seconds: length of a segment, which is a row.
        mels: bands of the mel-spectrograms.
        mfcc: coefficients, of each of which a row has the mean and the standard deviation.
        rate: of the samples that features are computed from, in Hz.
        frame: samples of the frames that segments are cut into; 50 ms if None.
        hop: samples from frame to frame, of both features; those of a frame if None.
        workers: processes that decode and compute; one a core if None.
        strict: raise at the first broken recording.
        replace: overwrite a dataset of this name.

    Returns:
        The dataset, in memory.

    Raises:
        DataError: an argument of the wrong type, no usable recordings, fewer than two
            genres with enough tracks, a name that is taken, or no space; nothing is
            written then.

    Example:
        >>> from data import build_dataset
        >>> music = build_dataset("~/Music/by-genre", shares=(0.7, 0.1, 0.2))  # doctest: +SKIP
    """
    folder = user_path("folder", folder)
    name = catalogue.name_for(folder) if name is None else name
    if splits is None or isinstance(splits, (list, tuple)):
        split_paths = [user_path("splits", path) for path in splits or ()]
    else:
        split_paths = [user_path("splits", splits)]
    facts = Labels(
        table=None if labels is None else user_path("labels", labels),
        columns=_texts("columns", columns, {"label": "genre"}),
        splits=split_paths,
        merge=_texts("merge", merge, {"rock_metal": ["rock", "metal"]}),
        only=None if only is None else _texts("only", only, ["blues", "rock"]),
        exclude=_texts("exclude", exclude, ["blues", "rock"]),
    )
    check_whole("seed", seed, 0)
    check_whole("workers", workers, 1)
    check_grouping(group)
    parameters = FeatureParameters.of(seconds, rate, mels, mfcc, frame, hop)
    with catalogue.making(name, replace=replace) as target:
        report = build(
            folder,
            target,
            facts,
            shares=shares,
            seed=seed,
            group=group,
            parameters=parameters,
            workers=workers,
            strict=strict,
        )
    for sentence in report.remarks:
        warnings.warn(sentence, stacklevel=2)
    for reason in report.skipped.values():
        warnings.warn(f"left out: {reason}", stacklevel=2)
    for sentence in grouped(report.notes):
        warnings.warn(sentence, stacklevel=2)
    return hdf5.load(target, name)


def build(
    folder: Path,
    target: Path,
    labels: Labels | None = None,
    *,
    shares: Sequence[float] | None = None,
    seed: int | None = None,
    group: Grouping = "track",
    parameters: FeatureParameters = DOCUMENTED,
    workers: int | None = None,
    strict: bool = False,
) -> BuildReport:
    """Write the dataset file `target`; arguments are those of `build_dataset`, or made of them.

    Raises:
        DataError: as `build_dataset`.
    """
    labels = dataclasses.replace(labels or Labels(), artist_folders=group == "artist")
    split_shares = check_shares(DEFAULT_SHARES if shares is None else shares)
    found = find_recordings(folder, labels)
    if found.splits is not None and (shares is not None or seed is not None):
        raise DataError(f"splits are those of {found.splits}: leave shares and seed out.")
    stated = found.splits is not None
    together = artists_of(found.recordings, group) if group == "artist" else None
    by_genre, remarks = _enough(found.recordings, stated, together)
    if found.splits is not None:
        _stated_splits(found.recordings, by_genre, found.splits, together)
    recordings = [
        dataclasses.replace(recording, wanted_tags=tags_of(group))
        for recording in found.recordings
        if recording.genre in by_genre
    ]
    with features_of(
        recordings,
        target,
        "reading recordings",
        parameters=parameters,
        workers=workers,
        strict=strict,
    ) as features:
        if not features.used:
            first = next(iter(features.skipped.values()), "it is no audio.")
            raise DataError(
                f"none of the {len(recordings)} recordings can be used. The first: {first}"
            )
        used = [recording for recording, _ in features.used]
        tags = {recording.name: extracted.tags for recording, extracted in features.used}
        artist_of = artists_of(used, group, tags)
        together = None if group == "track" else artist_of
        left_out = {**features.skipped, **features.not_audio}
        by_genre, more = _enough(recordings, stated, together, left_out)
        remarks += more
        if found.splits is not None:
            split_of, more = _stated_splits(used, by_genre, found.splits, together)
            remarks += more
        else:
            split_of = split_by_share(by_genre, split_shares, seed or 0, together)
        placed = [
            PlacedTrack(r.name, r.genre, split_of[r.name], extracted, artist_of[r.name])
            for r, extracted in features.used
            if r.name in split_of
        ]
        provenance = {
            "kind": "audio_folder",
            "recordings": len(recordings) - len(features.not_audio),
            "skipped": len(features.skipped),
            "split": found.splits or {"seed": seed or 0, "shares": split_shares},
            "folder": folder.resolve().name,
            "merge": dict(labels.merge),
        }
        stated_genres = {"labels": found.labels, "only": labels.only, "exclude": labels.exclude}
        provenance |= {what: value for what, value in stated_genres.items() if value}
        if together is not None:
            provenance["group"] = group
            if unnamed := sum(not track.artist for track in placed):
                remarks.append(
                    f"{unnamed} of {len(placed)} tracks name no artist: each was split as if it "
                    "were its artist's only one."
                )
        if features.notes:
            provenance["noted"] = len(features.notes)
        write_dataset(target, placed, provenance, parameters)
    not_audio = [
        recording.path.name for recording in recordings if recording.name in features.not_audio
    ]
    if others := kinds([*not_audio, *found.passed_over]):
        remarks.append(f"Files that are no audio were passed over: {others}.")
    return BuildReport(len(placed), features.skipped, (*found.notes, *remarks), features.notes)


def _texts(name: str, value: Any, example: Any) -> Any:
    """A mapping of texts or lists of texts, or a list of texts, of the shape of an example."""

    def fits(value: Any, example: Any) -> bool:
        if isinstance(example, str):
            return isinstance(value, str)
        if isinstance(example, list):
            return isinstance(value, (list, tuple)) and all(fits(one, example[0]) for one in value)
        (inner,) = example.values()
        return isinstance(value, Mapping) and all(
            isinstance(key, str) and fits(one, inner) for key, one in value.items()
        )

    value = type(example)() if value is None else value
    if not fits(value, example):
        raise DataError(f"{name} must be like {example}. Received: {value!r:.100}.")
    return value


def _enough(
    recordings: Sequence[Recording],
    stated: bool,
    together: Mapping[str, str] | None,
    left_out: Mapping[str, str] | None = None,
) -> tuple[dict[str, list[str]], list[str]]:
    """The names of the usable recordings of each genre that has enough, and why others have not.

    Raises:
        DataError: fewer than two genres have enough.
    """
    by_genre: dict[str, list[str]] = {recording.genre: [] for recording in recordings}
    for recording in recordings:
        if not left_out or recording.name not in left_out:
            by_genre[recording.genre].append(recording.name)
    too_few = too_few_tracks(by_genre, _stated(recordings) if stated else None, together)
    if len(by_genre) - len(too_few) < LEAST_GENRES:
        (genre, first), *others = too_few.items()
        more = f" So it is with {len(others)} more." if others else ""
        of_genre = (recording.name for recording in recordings if recording.genre == genre)
        reasons = [left_out[name] for name in of_genre if left_out and name in left_out]
        why = f" Left out of {genre}: {len(reasons)}, the first: {reasons[0]}" if reasons else ""
        raise DataError(
            f"fewer than two genres are left: {first}{more}{why} Add recordings, or merge genres."
        )
    enough = {genre: names for genre, names in by_genre.items() if genre not in too_few}
    return enough, [f"{why} It is left out." for why in too_few.values()]


def _stated(recordings: Sequence[Recording]) -> dict[str, SplitName]:
    return {r.name: r.split for r in recordings if r.split is not None}


def _stated_splits(
    recordings: Sequence[Recording],
    by_genre: Mapping[str, Sequence[str]],
    source: str,
    together: Mapping[str, str] | None,
) -> tuple[dict[str, SplitName], list[str]]:
    """The split that tables or folders state for each usable recording.

    Validation tracks are drawn from train where none are stated.

    Args:
        recordings: with their splits.
        by_genre: names of the usable ones.
        source: what states the splits.
        together: the artist of each, where an artist may be in one split only.

    Raises:
        DataError: a split is empty, or an artist is in two.
    """
    stated, remarks = _stated(recordings), list[str]()
    split_of = {name: stated[name] for names in by_genre.values() for name in names}
    if together is not None:
        check_apart(split_of, together, source)
    if "validation" not in split_of.values():
        split_of = validation_of_train(by_genre, split_of, together)
        remarks.append("No validation split is stated: a fifth of each genre's train tracks is it.")
    for split in SPLITS:
        if split not in split_of.values():
            raise DataError(f"no usable track is in the {split} split: give it one.")
    return split_of, remarks
