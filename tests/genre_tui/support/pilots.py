"""What tests of screens share: waiting for a condition, and the screen as text."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from textual.pilot import Pilot

from genre_tui.app import GenreTui
from genre_tui.core.app_session import AppSession
from genre_tui.shell.base_page import BasePage

P = TypeVar("P", bound=BasePage)
SIZES = pytest.mark.parametrize("size", [(80, 24), (140, 45)])
_LOOKS = 600
_PAUSE = 0.02  # seconds between two looks


class Driver:
    """Somebody in front of the screen."""

    def __init__(self, app: GenreTui, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        """All that is on the screen, line by line."""
        return "\n".join(
            strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()
        )

    @property
    def told(self) -> list[str]:
        """What is told in a corner, whatever its lines."""
        return [notice.message for notice in self.app._notifications]

    def page(self, kind: type[P]) -> P:
        """The page in front, or behind a dialog."""
        page = self.app.screen_stack[0]
        assert isinstance(page, kind)
        return page

    async def press(self, *keys: str) -> None:
        """Press keys, and let them be answered."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*text)
        await self.pilot.pause()

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        for _ in range(_LOOKS):
            if holds():
                return
            await self.pilot.pause(_PAUSE)
        raise AssertionError(f"it never came to that:\n{self.text}")

    async def sees(self, *texts: str) -> None:
        """Wait until texts are on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def hears(self, text: str) -> None:
        """Wait until a text is told in a corner."""
        await self.until(lambda: any(text in message for message in self.told))


@contextlib.asynccontextmanager
async def driving(
    runs: Path, size: tuple[int, int] = (80, 24), first: str = "studies", **session: Any
) -> AsyncIterator[Driver]:
    """The program on a screen of some size."""
    app = GenreTui(AppSession(runs, **session), first)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Driver(app, pilot)


def drive(flow: Coroutine[Any, Any, None]) -> None:
    """Carry a flow of keys out."""
    asyncio.run(flow)
