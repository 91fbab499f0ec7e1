"""Names of artists: which are of one artist, and how each is spelled in a dataset."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Literal, get_args

from data.errors import DataError

Grouping = Literal["track", "artist", "tag:artist", "tag:album_artist"]  # what stays in one split
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)
Group = Literal["track", "artist"]  # what stays in one fold
GROUPS: tuple[Group, ...] = get_args(Group)
LONGEST_ARTIST = 200  # characters
_NOBODY = {  # what programs write where they know no artist, or where there are many
    "",
    "<unknown>",
    "[unknown]",
    "compilation",
    "compilations",
    "unknown",
    "unknown artist",
    "v.a.",
    "va",
    "various artists",
}


def artist_key(name: str) -> str:
    """What names of one artist have in common, however they are composed, cased and spaced."""
    return unicodedata.normalize("NFC", clean_artist(name).casefold())


def clean_artist(name: str | None) -> str:
    """An artist's name in composed form (NFC), trimmed, in printable characters.

    Returns:
        "" where the name is none, such as that of a compilation of various artists.
    """
    composed = unicodedata.normalize("NFC", name or "")
    printable = "".join(char if char.isprintable() else " " for char in composed)
    cleaned = " ".join(printable.split())[:LONGEST_ARTIST].strip()
    return "" if cleaned.casefold() in _NOBODY else cleaned


def in_one_spelling(names: Sequence[str | None]) -> tuple[str, ...]:
    """Clean names, all of an artist in the spelling that most of them have."""
    cleaned = {name: clean_artist(name) for name in set(names)}
    counts = Counter(cleaned[name] for name in names)
    usual: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], name)):
        usual.setdefault(artist_key(name), name)
    return tuple(usual[artist_key(cleaned[name])] for name in names)


def check_artists(artists: Sequence[str], tracks: int) -> None:
    """Raise DataError unless the artists can be those of a dataset's tracks."""
    if artists and len(artists) != tracks:
        raise DataError(
            f"track_artists must name an artist a track, {tracks}. Received: {len(artists)}."
        )
    seen: dict[str, str] = {}
    for artist in sorted(set(artists) - {""}):
        if not clean_artist(artist):
            raise DataError(
                f"track_artists must be empty where no artist is known. Received: {artist!r:.100}."
            )
        if other := seen.get(artist_key(artist)):
            raise DataError(
                "track_artists must spell each artist in one way. Received: "
                f"{other!r:.100} and {artist!r:.100}."
            )
        seen[artist_key(artist)] = artist
    if artists and not seen:
        raise DataError("track_artists name no artist: leave them out.")
