"""Builds a dataset from a folder of recordings."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.audio.parameters import DOCUMENTED, FeatureParameters
from data.datasets.dataset import Dataset, check_genres
from data.datasets.splitting import (
    DEFAULT_SHARES,
    check_enough,
    check_shares,
    read_splits,
    split_by_share,
)
from data.errors import DataError
from data.files.arguments import check_whole, user_path
from data.sources.building import features_of
from data.sources.recordings import Recording, find_recordings
from data.storage import catalogue, hdf5
from data.storage.track_writer import PlacedTrack, write_dataset


@dataclass(frozen=True)
class BuildReport:
    """What came of a folder of recordings.

    Args:
        tracks: number of recordings in the dataset.
        skipped: why each of the others is left out, by its name.
        not_audio: why each file is no recording.
        notes: sentences on what is odd about recordings in the dataset.
    """

    tracks: int
    skipped: Mapping[str, str]
    not_audio: Mapping[str, str]
    notes: Mapping[str, Sequence[str]]


def build_dataset(
    folder: str | Path,
    name: str | None = None,
    *,
    merge: Mapping[str, Sequence[str]] | None = None,
    splits: str | Path | None = None,
    shares: Sequence[float] | None = None,
    seed: int | None = None,
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

    Whole tracks go to train, validation or test, genre by genre. Broken recordings and
    copies are left out, with a warning each. Shows a progress bar.

    Args:
        folder: holds a folder of recordings a genre: `<genre>/<track>.<ext>`.
        name: of the dataset; the folder's name if None.
        merge: class name to the folders that it consists of, such as
            `{"rock_metal": ["rock", "metal"]}`.
        splits: CSV file with the columns track and split; `folder/splits.csv` if None
            and there is one, else tracks are split at random.
        shares: of the tracks in train, validation and test; (0.60, 0.15, 0.25) if None.
        seed: of the random split; 0 if None.
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
        DataError: an argument of the wrong type, no usable recordings, too few tracks in a
            genre, a name that is taken, or no space; nothing is written then.

    Example:
        >>> from data import build_dataset
        >>> music = build_dataset("~/Music/by-genre", shares=(0.7, 0.1, 0.2))  # doctest: +SKIP
    """
    folder = user_path("folder", folder)
    name = catalogue.name_for(folder) if name is None else name
    merge = {} if merge is None else merge
    _check_merge(merge)
    check_whole("seed", seed, 0)
    check_whole("workers", workers, 1)
    parameters = FeatureParameters.of(seconds, rate, mels, mfcc, frame, hop)
    with catalogue.making(name, replace=replace) as target:
        report = build(
            folder,
            target,
            merge=merge,
            splits=None if splits is None else user_path("splits", splits),
            shares=shares,
            seed=seed,
            parameters=parameters,
            workers=workers,
            strict=strict,
        )
    for reason in report.skipped.values():
        warnings.warn(f"left out: {reason}", stacklevel=2)
    for sentences in report.notes.values():
        for sentence in sentences:
            warnings.warn(sentence, stacklevel=2)
    return hdf5.load(target, name)


def build(
    folder: Path,
    target: Path,
    *,
    merge: Mapping[str, Sequence[str]],
    splits: Path | None = None,
    shares: Sequence[float] | None = None,
    seed: int | None = None,
    parameters: FeatureParameters = DOCUMENTED,
    workers: int | None = None,
    strict: bool = False,
) -> BuildReport:
    """Write the dataset file `target`; arguments are those of `build_dataset`, or made of them.

    Raises:
        DataError: as `build_dataset`.
    """
    if splits is None and (folder / "splits.csv").exists():
        splits = folder / "splits.csv"
    if splits and (shares is not None or seed is not None):
        raise DataError(
            f"{splits} decides the splits: leave shares and seed out, or take the file away."
        )
    split_shares = check_shares(DEFAULT_SHARES if shares is None else shares)
    recordings = find_recordings(folder, merge)
    split_of = read_splits(splits, [recording.name for recording in recordings]) if splits else None
    if split_of is None:
        check_enough(_by_genre(recordings))
    with features_of(
        recordings,
        target,
        "reading recordings",
        parameters=parameters,
        workers=workers,
        strict=strict,
    ) as features:
        if not features.used:
            reasons = [*features.skipped.values(), *features.not_audio.values()]
            raise DataError(
                f"none of the {len(recordings)} recordings can be used. The first: {reasons[0]}"
            )
        check_genres(sorted({recording.genre for recording, _ in features.used}))
        left_out = {**features.skipped, **features.not_audio}
        if split_of is None:
            by_genre = _by_genre(recordings, left_out)
            split_of = split_by_share(by_genre, split_shares, seed or 0)
        placed = [
            PlacedTrack(r.name, r.genre, split_of[r.name], extracted, r.artist)
            for r, extracted in features.used
        ]
        _check_filled(placed, {recording.genre for recording in recordings})
        provenance = {
            "kind": "audio_folder",
            "recordings": len(recordings) - len(features.not_audio),
            "skipped": len(features.skipped),
            "split": splits.name if splits else {"seed": seed or 0, "shares": split_shares},
            "folder": folder.resolve().name,
            "merge": dict(merge),
        }
        if features.notes:
            provenance["noted"] = len(features.notes)
        write_dataset(target, placed, provenance, parameters)
    return BuildReport(len(placed), features.skipped, features.not_audio, features.notes)


def _check_merge(merge: Any) -> None:
    if not isinstance(merge, Mapping) or not all(
        isinstance(name, str)
        and isinstance(folders, (list, tuple))
        and all(isinstance(top, str) for top in folders)
        for name, folders in merge.items()
    ):
        raise DataError(
            'merge must give each class a list of folders, such as {"rock_metal": ["rock", '
            f'"metal"]}}. Received: {merge!r:.100}.'
        )


def _by_genre(
    recordings: Sequence[Recording], left_out: Collection[str] = ()
) -> dict[str, list[str]]:
    """The names of each genre's recordings."""
    names: dict[str, list[str]] = {recording.genre: [] for recording in recordings}
    for recording in recordings:
        if recording.name not in left_out:
            names[recording.genre].append(recording.name)
    return names


def _check_filled(placed: Sequence[PlacedTrack], genres: Collection[str]) -> None:
    trained = {track.genre for track in placed if track.split == "train"}
    if missing := sorted(set(genres) - trained):
        raise DataError(f"no usable track of {missing[0]} is in the train split: give it one.")
    for split in ("validation", "test"):
        if not any(track.split == split for track in placed):
            raise DataError(f"no usable track is in the {split} split: give it one.")
