"""JSON objects that carry a checksum: one that was cut or changed is not believed."""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any

_SEAL = ',\n "sha256": "'
_SEALED = re.compile(rb',\n "sha256": "([0-9a-f]{64})"\n}\n\Z')
_LINE_SEAL = ',"crc32":"'
_SEALED_LINE = re.compile(rb',"crc32":"([0-9a-f]{8})"}\Z')


def seal(value: Mapping[str, Any]) -> str:
    """A file's text for an object, ending in the SHA-256 of all that comes before it.

    Raises:
        ValueError: a number is not finite: JSON knows none; see `explicit`.
    """
    body = json.dumps(value, indent=1, allow_nan=False).removesuffix("\n}")
    return f'{body}{_SEAL}{hashlib.sha256(body.encode()).hexdigest()}"\n}}\n'


def unseal(text: bytes) -> dict[str, Any]:
    """The object that `seal` made `text` of.

    Raises:
        ValueError: it was cut or changed, or is none.
    """
    found = _SEALED.search(text)
    if found is None:
        raise ValueError("it does not end in its checksum")
    body = text[: found.start()]
    if hashlib.sha256(body).hexdigest().encode() != found[1]:
        raise ValueError("it does not match its checksum")
    return _object(body + b"\n}")


def seal_line(value: Mapping[str, Any]) -> bytes:
    """One line for an object, ending in the CRC-32 of all that comes before it.

    Raises:
        ValueError: a number is not finite; see `explicit`.
    """
    body = json.dumps(value, separators=(",", ":"), allow_nan=False).removesuffix("}")
    return f'{body}{_LINE_SEAL}{zlib.crc32(body.encode()):08x}"}}\n'.encode()


def unseal_line(line: bytes) -> dict[str, Any]:
    """The object that `seal_line` made `line` of; `line` without its end.

    Raises:
        ValueError: it was cut or changed, or is none.
    """
    found = _SEALED_LINE.search(line)
    if found is None:
        raise ValueError("it does not end in its checksum")
    body = line[: found.start()]
    if zlib.crc32(body) != int(found[1], 16):
        raise ValueError("it does not match its checksum")
    return _object(body + b"}")


def explicit(value: Any) -> Any:
    """A value in which numbers that JSON does not know are "nan", "inf" and "-inf"."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: explicit(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [explicit(item) for item in value]
    return value


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value
