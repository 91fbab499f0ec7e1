"""Names shortened to a column's width, and still distinct."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from data.terminal.text import clean

_ELLIPSIS = "…"


def shortened(name: str, width: int) -> str:
    """A name in at most `width` terminal cells; a longer one ends with an ellipsis."""
    name = clean(name)
    if cell_len(name) <= width:
        return name
    return "" if width < 1 else set_cell_size(name, width - 1).rstrip() + _ELLIPSIS


@lru_cache(maxsize=32)
def abbreviated(names: tuple[str, ...], width: int) -> tuple[str, ...]:
    """Distinct short names, each in at most `width` terminal cells.

    A name that does not fit keeps its beginning. Where names share their beginning, the last
    cells show the part in which they differ, else the name's number; where the width is too
    small for so many distinct names, the last digits of their numbers are left.
    """
    full = [clean(name) for name in names]
    plain = [_begin(name, width) for name in full]
    alike: dict[str, list[str]] = {}
    for name, begin in sorted(set(zip(full, plain, strict=True))):
        alike.setdefault(begin, []).append(name)
    parted = [
        _parted(name, alike[begin], number, width) if cell_len(name) > width else name
        for number, (name, begin) in enumerate(zip(full, plain, strict=True), 1)
    ]
    numbered = [
        _begin(name, width - len(mark)) + mark
        for number, name in enumerate(full, 1)
        if (mark := str(number)[-width:])
    ]
    short = plain
    for instead in (parted, numbered):
        taken = Counter(short)
        short = [
            other if taken[name] > 1 or not name else name
            for name, other in zip(short, instead, strict=True)
        ]
    return tuple(short if len(set(short)) == len(short) else numbered)


def _parted(name: str, alike: Sequence[str], number: int, width: int) -> str:
    """A name's beginning, then the part in which it differs from similar names."""
    place = bisect_left(alike, name)  # sorted: the likest are its neighbours
    neighbours = [*alike[max(place - 1, 0) : place], *alike[place + 1 : place + 2]]
    shared = max((_common(name, other) for other in neighbours), default=0)
    rest = name[shared:].strip(" _-") or str(number)
    tail = _begin(rest, max(1, width // 2))
    return _begin(name, width - cell_len(tail)) + tail


def _common(one: str, other: str) -> int:
    """Length of the beginning that two texts share."""
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )


def _begin(name: str, width: int) -> str:
    return set_cell_size(name, max(width, 0)).rstrip() if cell_len(name) > width else name
