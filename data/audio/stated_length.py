"""What headers state about length, where FFmpeg believes it or hides that it is wrong."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

_OGG_TAIL = 1 << 17  # bytes: more than one page
_OGG_LAST_PAGE = 4  # flag in a page's header
_LEAST_EXCESS = 4096  # bytes


@dataclass(frozen=True)
class _Chunks:
    """How the chunks of a format lie: name, size, content.

    Args:
        begin: bytes before the first chunk.
        name: bytes of a name, of which the first four are compared.
        size: format of a size, as in `struct`.
        inclusive: bytes of name and size that the size includes.
        align: chunks begin at multiples of it.
        unknown: sizes from here on stand for "not known".
    """

    begin: int
    name: int
    size: str
    inclusive: int
    align: int
    unknown: int


# Streaming writers put 0, 0x7ffff000, 0x80000000 or 0xffffffff where they cannot know.
_RIFF = _Chunks(12, 4, "<I", 0, 2, 0x7FFF0000)
_CHUNKS = {
    b"RIFF": _RIFF,
    b"RF64": _RIFF,
    b"RIFX": _Chunks(12, 4, ">I", 0, 2, 0x7FFF0000),
    b"riff": _Chunks(40, 16, "<Q", 24, 8, 1 << 62),
    b"caff": _Chunks(8, 4, ">Q", 0, 1, 1 << 62),
}


def stated_share(file: BinaryIO) -> float | None:
    """Bytes of sound that the header of a WAV, W64 or CAF file states, by those that are there.

    More than 1: the file breaks off. Less than 1: the header is wrong, as it is in WAV files of
    over 4 GB; what follows the stated bytes is sound and no chunk. None where the header is right,
    states nothing or is of another format.
    """
    file.seek(0)
    chunks = _CHUNKS.get(file.read(4))
    if chunks is None:
        return None
    end, place, long_size = file.seek(0, os.SEEK_END), chunks.begin, None
    while (chunk := _chunk(file, place, chunks)) is not None:
        name, begin, size = chunk
        if name == b"ds64":
            long_size = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        if name == b"data":
            if size >= chunks.unknown and long_size is not None:
                size = long_size
            return _share(file, chunks, begin, size, end)
        place = begin + size + -(begin + size) % chunks.align
    return None


def _chunk(file: BinaryIO, place: int, chunks: _Chunks) -> tuple[bytes, int, int] | None:
    """Name, begin and size of the content of the chunk at a place."""
    file.seek(place)
    header = file.read(chunks.name + struct.calcsize(chunks.size))
    if len(header) < chunks.name + struct.calcsize(chunks.size):
        return None
    (size,) = struct.unpack_from(chunks.size, header, chunks.name)
    return header[:4], place + len(header), max(size - chunks.inclusive, 0)


def _share(file: BinaryIO, chunks: _Chunks, begin: int, size: int, end: int) -> float | None:
    there = end - begin
    if there <= 0 or size >= chunks.unknown:
        return None
    if size >= there:
        return size / there
    if there - size < _LEAST_EXCESS or any(
        (chunk := _chunk(file, begin + size + pad, chunks)) is not None
        and all(0x20 <= char < 0x7F for char in chunk[0])
        and chunk[1] + chunk[2] <= end + 1
        for pad in range(chunks.align)
    ):
        return None
    return size / there


def ogg_breaks_off(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file, which says that it is the last, is missing."""
    file.seek(max(file.seek(0, os.SEEK_END) - _OGG_TAIL, 0))
    tail = file.read()
    place = tail.rfind(b"OggS")
    return place < 0 or not tail[place + 5 : place + 6] or not tail[place + 5] & _OGG_LAST_PAGE
