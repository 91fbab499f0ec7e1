"""The files of the source dataset: where they are and what they must hold."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from data.datasets.dataset import Dataset, content_hash
from data.files.plain import plain_file

SOURCE_URL = (
    "https://raw.githubusercontent.com/EvangeliaS/Music-Classification-with-Neural-Networks/"
    "4ffe9644fa6e7515c82a7c577d0cb2626887e668/data/music_genre_data_di"
)


class SourceFile(NamedTuple):
    """One array: `path` below the dataset's folder, and its git blob id."""

    path: str
    blob_id: str


_LABELS = {
    "train": "540e65b388f39831c30381ff2fc96f67386beda9",
    "val": "04f070dc01352afaf2fc164545db32744098c4d7",
    "test": "1bb6b7cbefe037559a124c3e81695f75e6bb93e1",
}
_FEATURES = {
    "train/mfccs": "324791bc30202e3f0367e3e0d597073b0e599659",
    "val/mfccs": "d390d967ef2ced771310c0e2b2aaf67e8182d9c8",
    "test/mfccs": "b8b8fe21f3c8d23bb58af005d95f548fd17eb397",
    "train/melgrams": "fd2b521506b83e9a0da988881ff56808c506a6a1",
    "val/melgrams": "a88ec83d0ee97f32179f085de8a7a189e33d474c",
    "test/melgrams": "08046f21fdc6931f96bdf7ab19639b8a897962ea",
}
# The labels stand under both kinds of features with the same content.
SOURCE_FILES = tuple(
    SourceFile(f"{folder}/{name}.npy", blob_id)
    for folder, features in _FEATURES.items()
    for name, blob_id in (("X", features), ("labels", _LABELS[folder.partition("/")[0]]))
)


def git_blob_id(path: Path) -> str:
    r"""The id that git gives a file's content: sha1("blob <size>\0" + content), in hex.

    Raises:
        OSError: the file cannot be read.
    """
    with open(path, "rb", opener=plain_file) as file:
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
        name: digest
        for name, digest in dataset.digests().items()
        if name.endswith(("/mfcc", "/label"))
    }
    known = content_hash(dataset.genres, (), rows) == _SOURCE_ROWS_SHA256
    return known and dataset.provenance.get("is_source") is True
