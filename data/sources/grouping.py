"""Which recordings stay together in a split: single ones, or all of an artist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data.datasets.artists import GROUPINGS, Grouping, clean_artist, in_one_spelling
from data.datasets.dataset import SplitName
from data.errors import DataError
from data.sources.recordings import Recording

_TAGS: dict[Grouping, tuple[str, ...]] = {
    "tag:artist": ("artist", "album_artist"),
    "tag:album_artist": ("album_artist", "artist"),
}
_NOBODY = (
    "--group artist: no recording's artist is known. Expected folders such as "
    "<genre>/<artist>/<album>/<track>, or a table of labels with a column artist; --group "
    "tag:artist reads the files' own tags."
)


def check_grouping(value: Any) -> None:
    """Raise DataError unless an argument is a way of grouping."""
    if value not in GROUPINGS:
        raise DataError(f"group must be one of {', '.join(GROUPINGS)}. Received: {value!r:.100}.")


def tags_of(group: Grouping) -> tuple[str, ...]:
    """Tags that name the artist, the best first; none where tags are not to be read."""
    return _TAGS.get(group, ())


def artists_of(
    recordings: Sequence[Recording],
    group: Grouping,
    tags: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, str]:
    """The artist of each recording by its name, in one spelling; "" where that is not known.

    Args:
        recordings: with the artists that tables or folders name.
        group: what stays together.
        tags: of each recording by its name, or None where they are not read yet.

    Raises:
        DataError: no artist is known, and tracks are to stay together by artist.
    """
    found = []
    for recording in recordings:
        of_file = {} if tags is None else tags[recording.name]
        names = [*(of_file.get(tag) for tag in tags_of(group)), recording.artist]
        found.append(next(filter(None, map(clean_artist, names)), ""))
    if not any(found):
        if group == "artist":
            raise DataError(_NOBODY)
        if group != "track" and tags is not None:
            raise DataError(
                f"--group {group}: none of {len(recordings)} recordings has the tag "
                f"{' or '.join(tags_of(group))}: tag them, or leave --group out."
            )
    spelled = in_one_spelling(found)
    return {recordings[place].name: artist for place, artist in enumerate(spelled)}


def check_apart(
    split_of: Mapping[str, SplitName], artist_of: Mapping[str, str], source: str
) -> None:
    """Raise DataError where stated splits put an artist's tracks into two.

    Args:
        split_of: of each track.
        artist_of: of each track, "" where unknown.
        source: what states the splits.
    """
    first: dict[str, str] = {}
    for name in sorted(split_of):
        artist = artist_of.get(name, "")
        other = first.setdefault(artist, name) if artist else name
        if split_of[other] != split_of[name]:
            raise DataError(
                f"{artist} is in two splits of {source}: {other} is in {split_of[other]}, {name} "
                f"in {split_of[name]}. Give each artist one split; or leave out --group, or those "
                "splits (of a table: --columns split=)."
            )
