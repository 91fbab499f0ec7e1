"""Recognises how a folder of recordings is laid out: which folders are genres, which are splits."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.datasets.splitting import SPLIT_WORDS
from data.errors import DataError
from data.sources.audio_files import AudioFile

# A lonely folder of such a name holds the genres and is none itself.
_CONTAINERS = re.compile(
    r"(audio|music|recordings|songs|tracks|wav|mp3|data|dataset|genres?|gtzan|fma)s?([_-].*)?"
)
# Folders that spread files, whatever their genres: fold1, 000/000002.mp3, 14/214.mp3.
_PARTS = re.compile(r"(fold|part|chunk|batch|dis[ck]|cd)s?[ _-]?\d+")
_HASHED = re.compile(r"(\d{2,3})/(\1\d*|\d*\1)\.\w+")


@dataclass(frozen=True)
class Layout:
    """What the folders of recordings say.

    Args:
        inside: names of the folders that lead from the searched one to that which holds the rest.
        genre: place in the parts of a file, after `inside`, of the folder named after its genre;
            None where no folder is.
        split: place of the folder named after its split, or None.
        is_numbered: whether folders are numbered, to spread files over them.
    """

    inside: tuple[str, ...] = ()
    genre: int | None = 0
    split: int | None = None
    is_numbered: bool = False


def recognise(folder: Path, files: Sequence[AudioFile]) -> Layout:
    """The layout of the recordings below a folder.

    Raises:
        DataError: folders named after splits beside others.
    """
    places = [file.parts for file in files if file.should_be_audio]
    places = places or [file.parts for file in files]
    inside: tuple[str, ...] = ()
    while len(tops := {parts[0] for parts in places}) == 1 and min(map(len, places)) > 1:
        (top,) = tops
        if not _CONTAINERS.fullmatch(top.casefold()):
            break
        inside, places = (*inside, top), [parts[1:] for parts in places]
    in_folders = [parts for parts in places if len(parts) > 1]
    if _are_numbered(in_folders):
        return Layout(inside, genre=None, is_numbered=True)
    tops = {parts[0] for parts in in_folders}
    split = None
    if _are_splits(tops):
        split, deeper = 0, [parts[1:] for parts in in_folders]
        if tops - _splits(tops):
            raise DataError(
                f"{folder.joinpath(*inside)} has the splits {', '.join(sorted(_splits(tops)))} "
                f"beside {', '.join(sorted(tops - _splits(tops))[:5])}: expected folders of "
                "splits, or of genres. Move the others away."
            )
    else:
        deeper = places
    if all(len(parts) == 1 for parts in deeper):
        return Layout(inside, genre=None, split=split)
    if split == 0:
        return Layout(inside, genre=1, split=0)
    return Layout(inside, genre=0, split=_split_inside_genres(folder, places))


def _split_inside_genres(folder: Path, places: Iterable[tuple[str, ...]]) -> int | None:
    """1 where all genres are divided into splits, None where none is."""
    inner: dict[str, set[str]] = defaultdict(set)
    for parts in places:
        if len(parts) > 1:
            inner[parts[0]].add(parts[1] if len(parts) > 2 else "")
    divided = {
        top for top, names in inner.items() if _are_splits(names) and names == _splits(names)
    }
    if divided and (others := inner.keys() - divided):
        raise DataError(
            f"{folder} has splits in the folder {min(divided)}, and in {min(others)} it has not: "
            "divide all genres or none."
        )
    return 1 if divided else None


def _splits(names: set[str]) -> set[str]:
    return {name for name in names if name.casefold() in SPLIT_WORDS}


def _are_splits(names: set[str]) -> bool:
    return len({SPLIT_WORDS[name.casefold()] for name in _splits(names)}) > 1


def _are_numbered(places: Sequence[tuple[str, ...]]) -> bool:
    """Whether all folders are of those that spread files."""
    return bool(places) and (
        all(_PARTS.fullmatch(parts[0].casefold()) for parts in places)
        or all(_HASHED.fullmatch("/".join(parts)) for parts in places)
    )
