"""Reads which tracks are train, validation and test: a table, or a list of files for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from data.datasets.dataset import SplitName
from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.files.plain import text_lines
from data.sources.audio_files import AudioFile
from data.sources.file_index import FileIndex
from data.sources.label_table import read_table

_LISTS = "three lists of files, such as train.txt, valid.txt and test.txt"


def read_splits(
    paths: Sequence[Path], index: FileIndex
) -> tuple[dict[AudioFile, SplitName], list[str]]:
    """The split of each recording that is in the splits, and sentences on what is odd.

    Args:
        paths: a CSV file with a column of tracks and one of splits; or a list of files for each
            split, a path a line, whose names have train, valid or test in them; or the folder
            of such lists.
        index: of the recordings.

    Raises:
        DataError: a file cannot be read, a split is unknown or has no list, a track is in two,
            or none is among the recordings.
    """
    source = ", ".join(map(str, paths))
    if len(paths) == 1 and not paths[0].is_dir():
        table = read_table(paths[0], {}, needed=("path", "split"))
        values, notes = index.match(
            source, ((f"{source}, line {row.line}", row.track, row.split) for row in table.rows)
        )
        return {file: split for file, split in values.items() if split}, [*table.notes, *notes]
    lists = _lists(sorted(paths[0].iterdir()) if len(paths) == 1 else paths, source)
    rows = [
        (f"{path}, line {line}", track, split)
        for split, path in lists.items()
        for line, text in enumerate(text_lines(path, "a list of files"), 1)
        if (track := text.partition("\t")[0].rstrip())  # behind a tab there may be a genre
    ]
    return index.match(source, rows)


def _lists(paths: Sequence[Path], source: str) -> Mapping[SplitName, Path]:
    lists: dict[SplitName, Path] = {}
    for path in paths:
        words = {SPLIT_WORDS.get(word) for word in re.split(r"[^a-z]+", path.stem.casefold())}
        if not path.is_file() or len(splits := words - {None}) != 1:
            continue
        (split,) = splits
        assert split is not None
        if split in lists:
            raise DataError(
                f"{lists[split]} and {path} may both be the {split} split: name the three lists, "
                "each with --splits."
            )
        lists[split] = path
    if not {"train", "test"} <= lists.keys():
        found = ", ".join(path.name for path in lists.values()) or "none"
        raise DataError(f"{source}: expected {_LISTS}. Received: {found}.")
    return lists
