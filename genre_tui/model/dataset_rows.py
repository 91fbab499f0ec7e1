"""The user's datasets in a line each, and one of them in full, for threads to read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from data.audio.parameters import DOCUMENTED, FOREIGN_NAMES, IMPORTED, Features
from data.errors import DataError

SPLITS = ("train", "validation", "test")
DEMO = "demo"
_KINDS = {"npy_folder": "arrays", "audio_folder": "recordings", "demo": "demo"}

_DIGITS = 16  # of a hash that are shown

_known: dict[tuple[Path, int, int], DatasetLine] = {}


@dataclass(frozen=True)
class DatasetLine:
    """A dataset in a line.

    Args:
        name: in the catalogue, or a file's path.
        is_made: whether the file is there, and of this version where it is the demo.
        problem: why it cannot be used, a sentence, or "".
        kind: what it was made of, in a word.
        is_imported: whether others have extracted its features.
        rows: of the train, validation and test splits.
        tracks: number of tracks; 0 where the rows name none.
        size: of the file, in bytes.
        sha256: hash of its content.
        shapes: of a row of each kind of features that there is.
    """

    name: str
    path: Path
    is_made: bool = True
    problem: str = ""
    kind: str = ""
    is_imported: bool = False
    genres: tuple[str, ...] = ()
    rows: tuple[int, int, int] = (0, 0, 0)
    tracks: int = 0
    shapes: Mapping[Features, tuple[int, ...]] = field(default_factory=dict, hash=False)
    size: int = 0
    sha256: str = ""

    @property
    def key(self) -> str:
        """Identifies its content."""
        return self.sha256 or str(self.path)

    @property
    def summary(self) -> str:
        """Its size and features in some words."""
        if self.problem:
            return "cannot be used"
        known = {"mfcc": "MFCC", "mel": "mel"}
        names = [(FOREIGN_NAMES if self.is_imported else known)[kind] for kind in self.shapes]
        features = " and ".join(names) if len(names) > 1 else f"{''.join(names)} only"
        made = "" if self.is_made else ", made on first use"
        return f"{sum(self.rows)} rows, {features}{made}"


@dataclass(frozen=True)
class Datasets:
    """All datasets by name, also a demo that is not made; `problem`: why some are missing."""

    lines: tuple[DatasetLine, ...]
    default: str
    problem: str = ""

    def line(self, name: str) -> DatasetLine | None:
        """That of a name, or None."""
        return next((line for line in self.lines if line.name == name), None)


@dataclass(frozen=True)
class DatasetCard:
    """A dataset in full.

    Args:
        counts: a row of cells a genre: its name, segments in each split and in all; then
            those of all genres and, where known, of tracks.
        about: features, tracks, provenance, content and file.
    """

    counts: tuple[tuple[str, ...], ...]
    about: Mapping[str, str]


def read_datasets(also: str | None = None) -> Datasets:
    """All datasets as they are now, also damaged ones; with `also` if that is an .h5 file."""
    from data.storage import catalogue

    try:
        names, problem = sorted({DEMO, *catalogue.names()}), ""
    except OSError as error:
        names, problem = [DEMO], f"{error}."
    lines = [_line(name, catalogue.path_of(name)) for name in names]
    if also is not None and also.endswith(".h5"):
        lines.append(_line(also, Path(also)))
    return Datasets(tuple(lines), catalogue.default_name(), problem)


def card(line: DatasetLine) -> DatasetCard:
    """A dataset in full; its mel-spectrograms are not read.

    Raises:
        DataError: it is damaged.
    """
    from data.storage import hdf5
    from data.storage.summary import count_rows, describe

    summary = hdf5.summarise(line.path)
    dataset = hdf5.load(line.path, line.name, with_mel=False)
    counts = tuple(map(tuple, count_rows(dataset)))
    about = describe(dataset, summary, line.path)
    about["content"] = f"sha256 {line.sha256[:_DIGITS]} ..."
    return DatasetCard(counts, about)


def _line(name: str, path: Path) -> DatasetLine:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if name == DEMO:
            return _unmade_demo(path)
        return DatasetLine(name, path, problem=f"there is no file {path}.")
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror}."
        return DatasetLine(name, path, problem=reason)
    key = path, found.st_mtime_ns, found.st_size
    if key not in _known:
        _known[key] = _summarised(name, path)
    return _known[key]


def _summarised(name: str, path: Path) -> DatasetLine:
    from data.sources.demo import VERSION
    from data.storage import hdf5

    try:
        summary = hdf5.summarise(path)
    except DataError as error:
        return DatasetLine(name, path, problem=str(error))
    kind = str(summary.provenance.get("kind", "unknown"))
    is_ours = (kind, summary.provenance.get("version")) == (DEMO, VERSION)
    return DatasetLine(
        name=name,
        path=path,
        is_made=name != DEMO or is_ours,
        kind=_KINDS.get(kind, kind),
        is_imported=kind in IMPORTED,
        genres=summary.genres,
        rows=(summary.rows["train"], summary.rows["validation"], summary.rows["test"]),
        tracks=summary.tracks,
        shapes=summary.shapes,
        size=summary.size,
        sha256=summary.content_sha256,
    )


def _unmade_demo(path: Path) -> DatasetLine:
    """The demo before it is made: its content is known."""
    from data.sources.demo import GENRES, demo_tracks

    tracks = demo_tracks()
    rows = Counter[str]()
    for track in tracks:
        rows[track.split] += track.seconds
    return DatasetLine(
        DEMO,
        path,
        is_made=False,
        kind="demo",
        genres=GENRES,
        rows=(rows["train"], rows["validation"], rows["test"]),
        tracks=len(tracks),
        shapes=DOCUMENTED.shapes,
    )
