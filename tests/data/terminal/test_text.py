"""Text for people."""

import pytest

from data.terminal.text import size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 kB"),
        (24_130, "24 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_170_148, "2.2 MB"),
        (999_949_999, "999.9 MB"),
        (999_950_000, "1.0 GB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text
