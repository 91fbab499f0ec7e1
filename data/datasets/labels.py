"""Genre names to integers and back. The names always come from the data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from data.errors import DataError

LEAST_GENRES = 2
MOST_GENRES = 1000
LONGEST_NAME = 100


def genres_of(names: Sequence[str]) -> tuple[str, ...]:
    """The distinct genre names, sorted: a name's place is its label.

    Raises:
        DataError: fewer than two genres, or a name that cannot be one.
    """
    genres = tuple(sorted(set(names)))
    check_genres(genres)
    return genres


def check_genres(genres: Sequence[str]) -> None:
    """Raise DataError unless the names can be the classes of a dataset."""
    if not LEAST_GENRES <= len(genres) <= MOST_GENRES:
        found = f" ({genres[0]})" if len(genres) == 1 else ""
        raise DataError(
            f"a dataset needs {LEAST_GENRES} to {MOST_GENRES} genres to tell apart. "
            f"Received: {len(genres)}{found}."
        )
    if len(set(genres)) != len(genres):
        raise DataError(f"genre names must differ. Received: {', '.join(genres)}.")
    for name in genres:
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise DataError(
                f"a genre's name must be 1 to {LONGEST_NAME} printable characters. "
                f"Received: {name!r}."
            )


def encode(names: Sequence[str], genres: Sequence[str], where: str) -> npt.NDArray[np.int64]:
    """Labels of genre names. [shape=(n,)]

    Args:
        names: one genre a row.
        genres: names in label order.
        where: what the names belong to, for the error.

    Raises:
        DataError: a name that is not among `genres`.
    """
    label_of = {genre: label for label, genre in enumerate(genres)}
    unknown = sorted(set(names) - label_of.keys())
    if unknown:
        raise DataError(
            f"{where} has the genre {unknown[0]!r}, which no train row has (they have: "
            f"{', '.join(genres)}): a network cannot learn it. Add train rows or remove it."
        )
    return np.array([label_of[name] for name in names], dtype=np.int64)
