"""Text that is safe to print, and durations."""

from __future__ import annotations

import unicodedata

_BIDI_AND_INVISIBLE = {0x00AD, 0x061C, 0xFEFF, *range(0x200B, 0x2010), *range(0x2028, 0x202F)} | {
    *range(0x2060, 0x2070),
    *range(0xE0000, 0xE0080),
}


def clean(text: str) -> str:
    """Text from files made harmless for a terminal: no control or hidden characters."""
    return "".join(
        " " if char in "\t\n\r" else char
        for char in text
        if char in "\t\n\r"
        or not (unicodedata.category(char) in ("Cc", "Cs") or ord(char) in _BIDI_AND_INVISIBLE)
    )


def duration(seconds: float) -> str:
    """Seconds as 4 s, 3:07 min or 2:05 h; ? where they are not known."""
    if seconds != seconds or seconds == float("inf"):
        return "?"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02d} h"
