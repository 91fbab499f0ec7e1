"""JSON objects that carry a checksum: one that was cut or changed is not believed."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from typing import Any

_encode = json.JSONEncoder(allow_nan=False).encode
_encode_line = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_decode = json.JSONDecoder().raw_decode
_ENDING = b',\n "sha256": "%s"\n}\n'
_LINE_ENDING = b',"crc32":"%s"}'
_ENDING_BYTES = len(_ENDING % bytes(64))
_LINE_ENDING_BYTES = len(_LINE_ENDING % bytes(8))


def dumps(value: Mapping[str, Any]) -> bytes:
    """A file's content for an object: JSON, ending in the SHA-256 of all that comes before.

    Raises:
        ValueError: a number is not finite: JSON knows none; see `stringify_nonfinite`.
    """
    fields = ",\n ".join(f"{_encode(name)}: {_encode(item)}" for name, item in value.items())
    body = f"{{\n {fields}".encode()
    return body + _ending(body)


def loads(content: bytes) -> dict[str, Any]:
    """The object that `dumps` made `content` of.

    Raises:
        ValueError: it was cut or changed, or is none.
    """
    body = content[:-_ENDING_BYTES]
    if content[-_ENDING_BYTES:] != _ending(body):
        raise ValueError("it does not match the checksum at its end")
    return _object(body)


def dumps_line(value: Mapping[str, Any]) -> bytes:
    """One line for an object, ending in the CRC-32 of all that comes before it.

    Numbers that are not finite are written as `stringify_nonfinite` has them.
    """
    try:
        text = _encode_line(value)
    except ValueError:  # rare, and looking for it costs more than all the rest
        text = _encode_line(stringify_nonfinite(value))
    body = text.removesuffix("}").encode()
    return body + _line_ending(body) + b"\n"


def loads_line(line: bytes) -> dict[str, Any]:
    """The object that `dumps_line` made `line` of; `line` without its end.

    Raises:
        ValueError: it was cut or changed, or is none.
    """
    body = line[:-_LINE_ENDING_BYTES]
    if line[-_LINE_ENDING_BYTES:] != _line_ending(body):
        raise ValueError("it does not match the checksum at its end")
    return _object(body)


def stringify_nonfinite(value: Any) -> Any:
    """A value in which numbers that JSON does not know are "nan", "inf" and "-inf"."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: stringify_nonfinite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [stringify_nonfinite(item) for item in value]
    return value


def _ending(body: bytes) -> bytes:
    return _ENDING % hashlib.sha256(body).hexdigest().encode()


def _line_ending(body: bytes) -> bytes:
    return _LINE_ENDING % (b"%08x" % zlib.crc32(body))


def _object(body: bytes) -> dict[str, Any]:
    """The object that a body begins."""
    text = body.decode() + "}"
    try:
        value, end = _decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict) or end < len(text):
        raise ValueError("it is no JSON object")
    return value
