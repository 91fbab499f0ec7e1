"""The FMA dataset's files as they are downloaded, with rows of our own."""

import csv
from collections.abc import Mapping
from pathlib import Path

_ALBUM = """
comments date_created date_released engineer favorites id information listens producer tags title
tracks type
"""
_ARTIST = """
active_year_begin active_year_end associated_labels bio comments date_created favorites id latitude
location longitude members name related_projects tags website wikipedia_page
"""
_SET = "split subset"
_TRACK = """
bit_rate comments composer date_created date_recorded duration favorites genre_top genres genres_all
information interest language_code license listens lyricist number publisher tags title
"""
_COLUMNS = [
    (level, name)
    for level, names in (("album", _ALBUM), ("artist", _ARTIST), ("set", _SET), ("track", _TRACK))
    for name in names.split()
]


def write_tracks_csv(path: Path, rows: Mapping[int, Mapping[str, str]]) -> None:
    """A tracks.csv with its three header rows.

    Args:
        path: of the file.
        rows: by track id, the values of columns such as "track.genre_top".
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["", *(level for level, _ in _COLUMNS)])
        writer.writerow(["", *(name for _, name in _COLUMNS)])
        writer.writerow(["track_id", *[""] * len(_COLUMNS)])
        for track, values in rows.items():
            writer.writerow([track, *(values.get(f"{a}.{b}", "") for a, b in _COLUMNS)])
