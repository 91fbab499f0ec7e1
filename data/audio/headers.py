"""What headers state about lengths, where FFmpeg believes it or hides that it is wrong."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

_OGG_PAGE = re.compile(rb"OggS\0([\0-\7])", re.DOTALL)
_OGG_FIRST, _OGG_LAST = 2, 4  # flags of a page
_OGG_CHUNK = 1 << 20  # bytes
_MOST_CHUNKS = 1000  # before the sound


class FilePart:
    """A part of a file, which reads like a file of its own.

    Args:
        file: open for reading.
        begin: of the part, in bytes.
        end: of the part; that of the file if None.
        may_seek: it may be read in any order.
    """

    def __init__(
        self, file: BinaryIO, begin: int, end: int | None = None, *, may_seek: bool = True
    ) -> None:
        self._file, self._begin, self._may_seek = file, begin, may_seek
        self._end = file.seek(0, os.SEEK_END) if end is None else end
        file.seek(begin)

    def read(self, size: int = -1) -> bytes:
        """As that of a file."""
        left = max(self._end - self._file.tell(), 0)
        return self._file.read(left if size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As that of a file."""
        base = (self._begin, self._file.tell(), self._end)[whence]
        return self._file.seek(max(base + offset, self._begin)) - self._begin

    def tell(self) -> int:
        """As that of a file."""
        return self._file.tell() - self._begin

    def seekable(self) -> bool:
        """Whether FFmpeg may look at what is behind the sound."""
        return self._may_seek


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


def stated_share(file: FilePart) -> float | None:
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
    for _ in range(_MOST_CHUNKS):
        if (chunk := _chunk(file, place, chunks)) is None:
            return None
        name, begin, size = chunk
        if name == b"ds64":
            long_size = struct.unpack("<8xQ", file.read(16).ljust(16, b"\0"))[0]
        if name == b"data":
            if size >= chunks.unknown and long_size is not None:
                size = long_size
            return _share(file, chunks, begin, size, end)
        place = begin + size + -(begin + size) % chunks.align
    return None


def _chunk(file: FilePart, place: int, chunks: _Chunks) -> tuple[bytes, int, int] | None:
    """Name, begin and size of the content of the chunk at a place."""
    file.seek(place)
    header = file.read(chunks.name + struct.calcsize(chunks.size))
    if len(header) < chunks.name + struct.calcsize(chunks.size):
        return None
    (size,) = struct.unpack_from(chunks.size, header, chunks.name)
    return header[:4], place + len(header), max(size - chunks.inclusive, 0)


def _share(file: FilePart, chunks: _Chunks, begin: int, size: int, end: int) -> float | None:
    there = end - begin
    is_unknown = size >= chunks.unknown
    if there <= 0 or size == 0 or (is_unknown and size >= there):
        return None
    if size >= there:
        return size / there
    if (there - size < size / 4 and not is_unknown) or any(
        (chunk := _chunk(file, begin + size + pad, chunks)) is not None
        and all(0x20 <= char < 0x7F for char in chunk[0])
        and chunk[1] + chunk[2] <= end + 1
        for pad in range(chunks.align)
    ):
        return None
    return size / there


def ogg_chain(file: BinaryIO) -> tuple[list[int], bool]:
    """Where the streams of an Ogg file begin, and whether its last page is missing.

    FFmpeg does not go on where rate or channels change from one stream to the next.
    """
    begins: list[int] = []
    place, flags, rest = 0, 0, b""
    file.seek(0)
    while chunk := file.read(_OGG_CHUNK):
        rest += chunk
        for page in _OGG_PAGE.finditer(rest):
            before, flags = flags, page[1][0]
            # Streams that are played together begin with first pages one after another.
            if flags & _OGG_FIRST and not before & _OGG_FIRST:
                begins.append(place + page.start())
        place += max(len(rest) - 5, 0)
        rest = rest[-5:]
    return begins, not flags & _OGG_LAST


def tag_length(file: BinaryIO) -> int:
    """Bytes of the ID3 tags in front of the sound."""
    length = 0
    file.seek(0)
    while (header := file.read(10)).startswith(b"ID3") and len(header) == 10:
        length += 10
        length += sum((byte & 0x7F) << 7 * (3 - place) for place, byte in enumerate(header[6:]))
        file.seek(length)
    return length
