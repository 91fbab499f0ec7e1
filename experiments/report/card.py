"""What a run learned from and was tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data.errors import DataError
from experiments.results.run_result import RunResult

_KINDS = {
    "demo": "demo music, synthesised by this program",
    "npy_folder": "arrays of features, imported",
    "audio_folder": "recordings",
}


@dataclass(frozen=True)
class Card:
    """A dataset, as far as the run's records and the user's datasets tell.

    Args:
        name: it had when the run began.
        content_sha256: of its rows.
        origin: where its rows come from, in a phrase.
        rows: segments of each split.
        genres: segments of each genre in each split; empty where its file is not here.
        tracks: of each split; empty where they are unknown.
    """

    name: str
    content_sha256: str
    origin: str
    rows: Mapping[str, int]
    genres: Mapping[str, Mapping[str, int]]
    tracks: Mapping[str, int]


def card_of(result: RunResult) -> Card:
    """The card of the dataset that a run began with."""
    from data.storage.catalogue import find_dataset

    about = result.manifest.dataset
    try:
        found = _read(find_dataset(about.name, about.content_sha256), result)
    except DataError:
        origin = _KINDS.get(about.kind, about.kind)
        found = Card(about.name, about.content_sha256, origin, about.rows, {}, {})
    if about.is_source:
        return replace(found, origin=f"the source dataset: {found.origin}")
    return found


def _read(path: Path, result: RunResult) -> Card:
    """From the dataset's file, without the features, which are large."""
    import h5py
    import numpy as np

    from data.datasets.dataset import SPLITS, UNKNOWN_TRACK
    from data.storage import hdf5

    summary = hdf5.summarise(path)
    label, track = {}, {}
    with h5py.File(path, "r") as file:
        for split in SPLITS:
            label[split], track[split] = file[split]["label"][()], file[split]["track"][()]
    genres: dict[str, Mapping[str, int]] = {
        genre: {split: int(np.count_nonzero(label[split] == number)) for split in SPLITS}
        for number, genre in enumerate(summary.genres)
    }
    tracks: dict[str, int] = {
        split: len(np.unique(numbers[numbers != UNKNOWN_TRACK])) for split, numbers in track.items()
    }
    return Card(
        name=result.dataset,
        content_sha256=summary.content_sha256,
        origin=_origin(summary.provenance),
        rows={split: len(label[split]) for split in SPLITS},
        genres=genres,
        tracks=tracks if all(tracks.values()) else {},
    )


def _origin(provenance: Mapping[str, Any]) -> str:
    """Where rows come from, without the folder's name: that is nobody else's business."""
    kind = str(provenance.get("kind", "unknown"))
    recordings, skipped = provenance.get("recordings"), provenance.get("skipped")
    if kind == "audio_folder" and isinstance(recordings, int):
        without = f", {skipped} more left out" if isinstance(skipped, int) and skipped else ""
        return f"{recordings} recordings{without}"
    return _KINDS.get(kind, kind)
