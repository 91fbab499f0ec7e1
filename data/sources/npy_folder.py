"""The source's own arrays: {train,val,test}/{mfccs,melgrams}/{X,labels}.npy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from data.audio.parameters import DOCUMENTED, Features
from data.datasets.dataset import (
    SPLITS,
    UNKNOWN_TRACK,
    Dataset,
    Split,
    SplitName,
    check_features,
    check_genres,
)
from data.datasets.source_dataset import SOURCE_FILES, git_blob_id
from data.errors import DataError
from data.sources.array_files import map_npy

_SPLIT_FOLDERS: dict[SplitName, str] = {"train": "train", "validation": "val", "test": "test"}
_LAYOUT = "{train,val,test}/{mfccs,melgrams}/{X,labels}.npy"


def is_npy_folder(folder: Path) -> bool:
    """Whether a folder has the layout's folders, or some of them."""
    return any(
        (folder / split / kind).is_dir()
        for split in _SPLIT_FOLDERS.values()
        for kind in ("mfccs", "melgrams")
    )


def about_npy_folder(folder: Path) -> str | None:
    """The arrays of the layout that a folder has, in a sentence; None if it has none."""
    splits = _SPLIT_FOLDERS.values()
    there = [split for split in splits if (folder / split / "mfccs" / "X.npy").is_file()]
    mel = any((folder / split / "melgrams").is_dir() for split in splits)
    return f"Arrays of {', '.join(there)}, {'with' if mel else 'without'} mel." if there else None


def read_npy_folder(folder: Path, name: str, *, with_mel: bool = True) -> Dataset:
    """The dataset in a folder of arrays; mel-spectrograms may be absent.

    Rows carry no tracks: their order is kept and the tracks are unknown.

    Args:
        folder: holds the layout above: X of mfccs (n, 26), X of melgrams
            (n, 21, 128), labels (n,) of genre names.
        with_mel: read the melgrams, where there are any.

    Raises:
        DataError: a file is missing, no array, pickled, or its values cannot be.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder. Expected one with {_LAYOUT}.")
    read = {split: _read_rows(folder / _SPLIT_FOLDERS[split] / "mfccs", "mfcc") for split in SPLITS}
    genres = tuple(sorted(set(read["train"][1])))
    check_genres(genres)
    has_mel = with_mel and any(
        (folder / _SPLIT_FOLDERS[split] / "melgrams").exists() for split in SPLITS
    )
    splits: dict[SplitName, Any] = {}
    for split, (mfcc, labels) in read.items():
        place, mel = _SPLIT_FOLDERS[split], None
        if has_mel:
            mel, mel_labels = _read_rows(folder / place / "melgrams", "mel")
            if mel_labels != labels:
                raise DataError(
                    f"the labels of {place}/mfccs and {place}/melgrams differ: their rows must be "
                    "the same segments in the same order."
                )
        if unknown := sorted(set(labels) - set(genres)):
            raise DataError(
                f"{place}/mfccs/labels.npy has the genre {unknown[0]!r}, which no train row has "
                f"(they have: {', '.join(genres)}): a network cannot learn it. Add train rows or "
                "remove it."
            )
        splits[split] = Split(
            mfcc=mfcc.astype(np.float64),
            mel=None if mel is None else mel.astype(np.float32),
            label=np.array([genres.index(genre) for genre in labels], dtype=np.int64),
            track=np.full(len(labels), UNKNOWN_TRACK, dtype=np.int64),
        )
    is_documented = splits["train"].shapes.items() <= DOCUMENTED.shapes.items()
    return Dataset(
        name=name,
        genres=genres,
        track_names=(),
        provenance=_provenance(folder, has_mel),
        parameters=DOCUMENTED if is_documented else None,
        **splits,
    )


def _provenance(folder: Path, has_mel: bool) -> dict[str, Any]:
    kinds = ("mfccs", "melgrams") if has_mel else ("mfccs",)
    read = [
        f"{split}/{kind}/{file}.npy"
        for split in _SPLIT_FOLDERS.values()
        for kind in kinds
        for file in ("X", "labels")
    ]
    files = {path: git_blob_id(folder / path) for path in read}
    source = {file.path: file.blob_id for file in SOURCE_FILES}
    return {
        "kind": "npy_folder",
        "folder": folder.resolve().name,
        "files": files,
        "is_source": files.items() <= source.items(),
    }


def _read_rows(folder: Path, kind: Features) -> tuple[npt.NDArray[Any], list[str]]:
    """The features (mapped from disk) and genre names of a folder such as train/mfccs."""
    path = folder / "labels.npy"
    labels, values = _read_array(path), _read_array(folder / "X.npy")
    if labels.ndim != 1 or labels.dtype.kind != "U":
        raise DataError(
            f"{path} must hold one genre name a row, as text of shape (n,). Received: "
            f"{labels.dtype} of shape {labels.shape}."
        )
    if len(labels) != len(values):
        raise DataError(
            f"{path} has {len(labels)} labels, X.npy beside it {len(values)} rows: one label a row "
            "is needed."
        )
    check_features(str(folder / "X.npy"), values, kind)
    return values, [str(label) for label in labels]


def _read_array(path: Path) -> npt.NDArray[Any]:
    if not path.is_file():
        raise DataError(
            f"{path} is missing. Expected the arrays {_LAYOUT}; melgrams may be left out "
            "altogether."
        )
    return map_npy(path)
