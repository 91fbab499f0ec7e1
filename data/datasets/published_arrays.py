"""The files of the source dataset: where they are and what they must hold."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from data.datasets.dataset import ArrayDigest, Dataset, content_hash

SOURCE_URL = (
    "https://raw.githubusercontent.com/EvangeliaS/Music-Classification-with-Neural-Networks/"
    "4ffe9644fa6e7515c82a7c577d0cb2626887e668/data/music_genre_data_di"
)


@dataclass(frozen=True)
class SourceFile:
    """One array: `path` below the dataset's folder, and its git blob id."""

    path: str
    blob_id: str


# The labels stand under both kinds of features with the same content.
SOURCE_FILES: tuple[SourceFile, ...] = (
    SourceFile("train/mfccs/X.npy", "324791bc30202e3f0367e3e0d597073b0e599659"),
    SourceFile("train/mfccs/labels.npy", "540e65b388f39831c30381ff2fc96f67386beda9"),
    SourceFile("val/mfccs/X.npy", "d390d967ef2ced771310c0e2b2aaf67e8182d9c8"),
    SourceFile("val/mfccs/labels.npy", "04f070dc01352afaf2fc164545db32744098c4d7"),
    SourceFile("test/mfccs/X.npy", "b8b8fe21f3c8d23bb58af005d95f548fd17eb397"),
    SourceFile("test/mfccs/labels.npy", "1bb6b7cbefe037559a124c3e81695f75e6bb93e1"),
    SourceFile("train/melgrams/X.npy", "fd2b521506b83e9a0da988881ff56808c506a6a1"),
    SourceFile("train/melgrams/labels.npy", "540e65b388f39831c30381ff2fc96f67386beda9"),
    SourceFile("val/melgrams/X.npy", "a88ec83d0ee97f32179f085de8a7a189e33d474c"),
    SourceFile("val/melgrams/labels.npy", "04f070dc01352afaf2fc164545db32744098c4d7"),
    SourceFile("test/melgrams/X.npy", "08046f21fdc6931f96bdf7ab19639b8a897962ea"),
    SourceFile("test/melgrams/labels.npy", "1bb6b7cbefe037559a124c3e81695f75e6bb93e1"),
)


def git_blob_id(path: Path) -> str:
    r"""The id that git gives a file's content: sha1("blob <size>\0" + content), in hex.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


# Of the class names and all MFCC rows and labels, as `is_source` hashes them.
_SOURCE_ROWS_SHA256 = "a7cb01caa4fcb60354f4ac73f1c6e5f7c6d6a7863682e9a2d49b078ed1a50392"


def is_source(dataset: Dataset) -> bool:
    """Whether these are the source's very rows, so that its figures compare.

    A dataset's provenance states where its mel-spectrograms came from; the MFCC
    rows and labels are compared themselves.
    """
    rows = {
        f"{split}/{name}": ArrayDigest(value.dtype, value.shape[1:]).update(value)
        for split, values in dataset.splits()
        for name, value in values.arrays()
        if name in ("mfcc", "label")
    }
    known = content_hash(dataset.genres, (), rows) == _SOURCE_ROWS_SHA256
    return known and dataset.provenance.get("is_source") is True
