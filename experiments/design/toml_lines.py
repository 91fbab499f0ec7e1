"""On which line of a TOML file a key stands; the parser of the standard library forgets it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

_HEADER = re.compile(r"\s*\[\[?\s*(?P<key>[^\]]+?)\s*\]\]?\s*(#.*)?$")
_PAIR = re.compile(r"\s*(?P<key>(?:[\w.-]|\"[^\"]*\"|'[^']*'|\s*\.\s*)+?)\s*=")
_QUOTES = ('"""', "'''")


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line, counted from 1, of a key, or of the innermost table around it that is there.

    Args:
        text: of a valid file.
        path: the key's, from the top; empty for the file itself.
    """
    best, depth = 1, 0
    path = tuple(part for name in path for part in name.split("."))
    for number, key in _keys(text):
        common = 0
        for ours, theirs in zip(key, path, strict=False):
            if ours != theirs:
                break
            common += 1
        # A key that leads past the path stands for it, too.
        if common > depth and (common == len(key) or common == len(path)):
            best, depth = number, common
    return best


def _keys(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    table: tuple[str, ...] = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:  # inside a text of several lines
            quote = "" if quote in line else quote
            continue
        if header := _HEADER.match(line):
            table = _parts(header["key"])
            yield number, table
        elif pair := _PAIR.match(line):
            yield number, table + _parts(pair["key"])
        quote = next((q for q in _QUOTES if line.count(q) % 2), "")


def _parts(key: str) -> tuple[str, ...]:
    """The parts of a dotted key; a quoted part that holds dots counts as several."""
    try:
        place = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(place, dict):
        (name,) = place
        parts += name.split(".")
        place = place[name]
    return tuple(parts)
