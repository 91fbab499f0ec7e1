"""The driver of a page in a browser: `genre-tui --serve` draws each by a process of its own."""

from __future__ import annotations

from typing import Any

from textual.drivers.web_driver import WebDriver

LARGEST = (1000, 300)  # columns and rows: more than any display shows


class PageDriver(WebDriver):
    """Textual's driver with bounded sizes: whoever opens the page names them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self._size is not None:
            self._size = _bounded(*self._size)

    def on_meta(self, packet_type: str, payload: dict[str, object]) -> None:
        """Process what the server sends besides keys."""
        if packet_type == "resize":
            width, height = _bounded(payload.get("width"), payload.get("height"))
            payload = payload | {"width": width, "height": height}
        super().on_meta(packet_type, payload)


def _bounded(*size: object) -> tuple[int, int]:
    """A size within 1 and `LARGEST`; what is no number counts as 1."""
    width, height = (
        max(1, min(value, most)) if isinstance(value, int) else 1
        for value, most in zip(size, LARGEST, strict=True)
    )
    return width, height
