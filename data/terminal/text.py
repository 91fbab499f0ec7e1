"""Text that is safe to print, durations and sizes."""

from __future__ import annotations

import re

from rich.cells import cell_len

# Control characters and lone surrogates (Unicode's categories Cc and Cs), the soft hyphen,
# and what reorders or hides text: marks of direction, zero-width and tag characters.
_UNSAFE = re.compile(
    "[\0-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str, keep: str = "") -> str:
    """Remove control and hidden characters; tabs and line breaks become spaces.

    Args:
        text: of any origin, such as a name in a file.
        keep: those of tab and line breaks that stay as they are.
    """

    def replacement(match: re.Match[str]) -> str:
        if match[0] in "\t\n\r":
            return match[0] if match[0] in keep else " "
        return ""

    return _UNSAFE.sub(replacement, text)


def is_clean(text: str) -> bool:
    """Whether `clean` would leave a text as it is."""
    return _UNSAFE.search(text) is None


def clean_cells(text: str) -> str:
    """Remove the same characters from a line that has been laid out, keeping its width.

    Rich and Textual count most of them as no cell. A soft hyphen or a surrogate counts as
    one: U+FFFD takes its place.
    """
    return _UNSAFE.sub(lambda match: "\ufffd" * cell_len(match[0]), text)


def duration(seconds: float) -> str:
    """Seconds as 4 s, 3:07 min or 2:05 h; ? where they are not known."""
    if seconds != seconds or seconds == float("inf"):
        return "?"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02d} h"


def size_text(size: int) -> str:
    """Bytes as 57 kB, 1.5 MB or 2.0 GB."""
    if size < 999_500:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.1f} MB" if size < 999_950_000 else f"{size / 1e9:.1f} GB"
