"""Features of tracks on disk, from which a computation that was ended goes on."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import zlib
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from data.audio.parameters import FeatureParameters
from data.audio.tracks import Extracted, row_dtype
from data.files.atomic import writing

_INDEX, _ROWS = "index.jsonl", ".rows"
_DECODERS = ("av", "soxr", "numpy", "scipy", "torch")
_BLOCK_BYTES = 2**22


class FeatureStore:
    """Rows in files that each belong to one process, and an index of the tracks that are whole.

    A context manager, which removes them where its block ends well. Whatever else ends it, also
    the process, what the index names is there or is computed again: its checksum is compared.
    Features of other parameters, or that another version of this program or of its decoders
    computed, are removed.

    Args:
        folder: made where it is missing; only one process may use it.
        parameters: of the features.

    Raises:
        DataError: the folder cannot be written.
    """

    def __init__(self, folder: Path, parameters: FeatureParameters) -> None:
        self.parameters = parameters
        self._folder = folder.absolute()
        self._kept: dict[str, Extracted] = {}
        self._count = 0

    def __enter__(self) -> Self:
        made_by = _fingerprint(self.parameters)
        with writing(self._folder):
            if self._read_index() != made_by:
                self._remove()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._remove_unfinished_rows()
            self._index = (self._folder / _INDEX).open("ab", buffering=0)
        self._count = len(self._kept)
        if not self._index.tell():
            self._append({"made_by": made_by})
        return self

    def __exit__(self, error: object, *_: object) -> None:
        self._index.close()
        if error is None or not self._count:
            self._remove()

    def __len__(self) -> int:
        """Number of tracks."""
        return self._count

    def find(self, key: str) -> Extracted | None:
        """The features of a track that an earlier process has added, if they are whole."""
        kept = self._kept.get(key)
        return kept if kept and self._is_whole(kept) else None

    def add(self, key: str, features: Extracted) -> None:
        """Put a track's features into the index.

        Raises:
            DataError: the disk is full.
        """
        self._count += 1
        self._append({"key": key, **asdict(features), "file": features.file.name})

    def new_file(self) -> Path:
        """A name for another file of rows."""
        return self._folder / f"{secrets.token_hex(8)}{_ROWS}"

    def _remove(self) -> None:
        self._kept.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _remove_unfinished_rows(self) -> None:
        """Give back what tracks take that are not in the index."""
        row_bytes = row_dtype(self.parameters).itemsize
        ends: dict[Path, int] = {}
        for kept in self._kept.values():
            end = kept.offset + kept.segments * row_bytes
            ends[kept.file] = max(end, ends.get(kept.file, 0))
        for file in self._folder.glob(f"*{_ROWS}"):
            if file not in ends:
                file.unlink()
            elif file.stat().st_size > ends[file]:
                os.truncate(file, ends[file])

    def _append(self, entry: dict[str, Any]) -> None:
        # The line break comes first: it ends what a kill or a full disk has left half-written.
        with writing(self._folder / _INDEX):
            self._index.write(b"\n" + json.dumps(entry).encode())

    def _read_index(self) -> Any:
        """What made the features in it."""
        made_by = None
        with suppress(OSError), (self._folder / _INDEX).open("rb") as lines:
            for line in lines:
                with suppress(ValueError, TypeError, KeyError, AttributeError):  # half a line
                    entry = json.loads(line)
                    made_by = entry.pop("made_by", made_by)
                    if entry:
                        key, file = entry.pop("key"), self._folder / entry.pop("file")
                        entry["notes"] = tuple(entry["notes"])
                        self._kept[key] = Extracted(file, **entry)
        return made_by

    def _is_whole(self, features: Extracted) -> bool:
        left, crc32 = features.segments * row_dtype(self.parameters).itemsize, 0
        try:
            with features.file.open("rb") as file:
                file.seek(features.offset)
                while left and (block := file.read(min(left, _BLOCK_BYTES))):
                    left -= len(block)
                    crc32 = zlib.crc32(block, crc32)
        except OSError:
            return False
        return not left and crc32 == features.crc32


def _fingerprint(parameters: FeatureParameters) -> str:
    """Hash of all that features depend on besides the track."""
    digest = hashlib.sha256(repr(parameters).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for package in _DECODERS:
        digest.update(version(package).encode())
    return digest.hexdigest()
