"""Sizes, classes, tracks, hash and provenance of a dataset, as JSON and as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from data.audio.parameters import DOCUMENTED, IMPORTED, KINDS, FeatureParameters, feature_names
from data.datasets.dataset import Dataset
from data.datasets.source_dataset import is_source
from data.storage import hdf5
from data.terminal.text import size_text


def to_json(summary: hdf5.Summary) -> dict[str, Any]:
    """The attributes of a dataset file in JSON-ready form."""
    return {
        "kind": summary.provenance.get("kind", "unknown"),
        "genres": list(summary.genres),
        "rows": dict(summary.rows),
        "tracks": summary.tracks or None,
        "artists": summary.artists or None,
        "has_mel": summary.has_mel,
        "shapes": {kind: list(shape) for kind, shape in summary.shapes.items()},
        "features": summary.parameters and json.loads(summary.parameters.to_json()),
        "bytes": summary.size,
        "content_sha256": summary.content_sha256,
        "provenance": dict(summary.provenance),
    }


def segments_name(parameters: FeatureParameters | None) -> str:
    """What rows are, such as "one-second segments"."""
    if parameters is None:
        return "segments"
    seconds = parameters.segment_seconds
    return f"{'one' if seconds == 1 else f'{seconds:g}'}-second segments"


def count_rows(dataset: Dataset) -> list[list[str]]:
    """Table rows: each genre's segments by split and in total, then the totals."""
    rows = [
        [genre, *map(str, counts.values()), str(sum(counts.values()))]
        for genre, counts in dataset.class_counts().items()
    ]
    totals = [len(split) for _, split in dataset.splits()]
    rows.append(["segments", *map(str, totals), str(sum(totals))])
    tracks = dataset.track_counts().values()
    if all(tracks):
        rows.append(["tracks", *map(str, tracks), str(sum(tracks))])
    return rows


def describe(dataset: Dataset, summary: hdf5.Summary, path: Path) -> dict[str, str]:
    """A line each on features, tracks, artists if known, provenance, content and file."""
    all_known = all(dataset.track_counts().values())
    return {
        "features": _features(summary) + _frames(summary.parameters),
        "tracks": "no track is in two splits" if all_known else "unknown: rows name none",
        **({"artists": _artists(dataset)} if dataset.track_artists else {}),
        "from": _provenance(dataset),
        "content": f"sha256 {summary.content_sha256}",
        "file": f"{path} ({size_text(summary.size)})",
    }


def _features(summary: hdf5.Summary) -> str:
    names = feature_names(summary.parameters)
    lines = []
    for kind in KINDS:
        if kind in summary.shapes:
            lines.append(f"{names[kind]} ({' x '.join(map(str, summary.shapes[kind]))})")
        elif summary.parameters is not None:
            lines.append(f"no {names[kind]}")
    return ", ".join(lines)


def _artists(dataset: Dataset) -> str:
    splits = dataset.artist_splits().values()
    shared = sum(len(of) > 1 for of in splits)
    unnamed = dataset.track_artists.count("")
    words = f"{len(splits)}, {shared or 'none'} of them in two splits"
    return f"{words}; {unnamed} tracks name none" if unnamed else words


def _frames(parameters: FeatureParameters | None) -> str:
    if parameters in (None, DOCUMENTED):
        return ""
    return (
        f"; frames of {parameters.frame_samples} samples every {parameters.hop_samples}, at "
        f"{parameters.sample_rate} Hz"
    )


def _by_chance(split: Any) -> str:
    try:
        shares = "/".join(f"{share * 100:g}" for share in split["shares"].values())
        unit = split.get("by", "tracks")
        return f"split by chance ({shares} per cent of the {unit}, seed {split['seed']})"
    except (TypeError, KeyError, AttributeError):
        return "split in an unknown way"  # the file was written by another program


def _provenance(dataset: Dataset) -> str:
    provenance = dataset.provenance
    kind = provenance.get("kind", "unknown")
    if kind == "demo":
        return str(provenance.get("note"))
    if kind == "npy_folder":
        origin = "the source dataset's own arrays" if is_source(dataset) else "arrays"
        return f"{origin} in {provenance.get('folder')}"
    split = provenance.get("split")
    how = f"split by {split}" if isinstance(split, str) else _by_chance(split)
    if kind in IMPORTED:
        return f"{kind} of others, {provenance.get('folder')}; {how}"
    if kind == "audio_folder":
        skipped = provenance.get("skipped")
        table = f", labels of {provenance['labels']}" if "labels" in provenance else ""
        together = ", artists kept together" if "group" in provenance else ""
        return (
            f"{provenance.get('recordings')} recordings in {provenance.get('folder')}{table}, "
            f"{skipped} left out; {how}{together}"
        )
    return str(kind)
