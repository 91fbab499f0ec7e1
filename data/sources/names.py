"""One spelling of the names of genres and files, whatever their source."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from data.errors import DataError


def composed(text: str) -> str:
    """Unicode's composed form (NFC): macOS and some archives store accents apart."""
    return unicodedata.normalize("NFC", text)


def genre_name(text: str) -> str:
    """A genre as every source spells it: composed, trimmed, one space between words."""
    return " ".join(composed(text).split())


def check_case(genres: Iterable[str], *, can_merge: bool = True) -> None:
    """Raise DataError where two genres differ in case only.

    Args:
        genres: their names.
        can_merge: whether there is an option that makes one class of two.
    """
    seen: dict[str, str] = {}
    for genre in sorted(genres):
        other = seen.setdefault(genre.casefold(), genre)
        if other != genre:
            merge = (
                f", or make one class of them (--merge {genre}={other},{genre} on the command line)"
            )
            raise DataError(
                f"the genres {other!r} and {genre!r} differ in case only: give them one name"
                f"{merge if can_merge else ''}."
            )


def alike(genres: Iterable[str]) -> list[str]:
    """A sentence on each pair of genres that differ in punctuation or spaces only."""
    seen: dict[str, str] = {}
    pairs = [
        (seen.setdefault(re.sub(r"[\W_]+", "", genre.casefold()) or genre, genre), genre)
        for genre in sorted(genres)
    ]
    return [
        f"The genres {one!r} and {other!r} look alike: --merge makes one class of them."
        for one, other in pairs
        if one != other
    ]


def merged(genres: Collection[str], merge: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The class of each genre, itself if it is not merged.

    Raises:
        DataError: a genre that is not there or goes into two classes, or a class with the
            name of another genre.
    """
    class_of = {genre: genre for genre in genres}
    claimed: dict[str, str] = {}
    for name, parts in ((genre_name(name), parts) for name, parts in merge.items()):
        for genre in map(genre_name, parts):
            if genre not in class_of:
                raise DataError(
                    f"the class {name!r} cannot merge {', '.join(parts)}: {_unknown(genre, genres)}"
                )
            if genre in claimed:
                raise DataError(
                    f"a genre can be merged into one class only. Received {genre!r} for "
                    f"{claimed[genre]} and {name}."
                )
            claimed[genre] = name
            class_of[genre] = name
    for name in map(genre_name, merge):
        if name in class_of.keys() - claimed.keys():
            raise DataError(
                f"the merged class {name!r} has the name of a genre that is not merged into it: "
                "merge that genre, too, or choose another name."
            )
    return class_of


def chosen(
    genres: Collection[str], only: Sequence[str] | None, exclude: Sequence[str] | None
) -> set[str]:
    """The genres to use; DataError for one that is not there."""
    for genre in map(genre_name, [*(only or ()), *(exclude or ())]):
        if genre not in genres:
            raise DataError(_unknown(genre, genres))
    kept = set(genres) if only is None else set(map(genre_name, only))
    return kept - set(map(genre_name, exclude or ()))


def _unknown(genre: str, genres: Collection[str]) -> str:
    alike = [there for there in genres if there.casefold() == genre.casefold()]
    alike = alike or difflib.get_close_matches(genre, genres, 1)
    hint = f" Did you mean {alike[0]!r}?" if alike else ""
    return f"there is no genre {genre!r}.{hint} There are: {', '.join(sorted(genres)) or 'none'}."
