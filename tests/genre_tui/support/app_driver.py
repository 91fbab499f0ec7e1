"""What tests of screens share: waiting for a condition, and the screen as text."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from textual.pilot import Pilot

from genre_tui.app import GenreTui
from genre_tui.core.app_session import AppSession
from genre_tui.shell.base_page import BasePage

P = TypeVar("P", bound=BasePage)
SIZES = pytest.mark.parametrize("size", [(80, 24), (140, 45)])
_MOST_POLLS = 600
_PAUSE = 0.02  # seconds between two polls


class Driver:
    """Presses keys and reads the screen, as a user does."""

    def __init__(self, app: GenreTui, pilot: Pilot[None]) -> None:
        self.app, self.pilot = app, pilot

    @property
    def text(self) -> str:
        """All that is on the screen, line by line."""
        return "\n".join(
            strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()
        )

    @property
    def notifications(self) -> list[str]:
        """Texts of the notifications on the screen."""
        return [notice.message for notice in self.app._notifications]

    def page(self, kind: type[P]) -> P:
        """The page in front, or behind a dialog."""
        page = self.app.screen_stack[0]
        assert isinstance(page, kind)
        return page

    async def press(self, *keys: str) -> None:
        """Press keys and wait until they are handled."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*text)
        await self.pilot.pause()

    async def wait_until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        for _ in range(_MOST_POLLS):
            if holds():
                return
            await self.pilot.pause(_PAUSE)
        raise AssertionError(f"the condition never held:\n{self.text}")

    async def sees(self, *texts: str) -> None:
        """Wait until texts are on the screen."""
        await self.wait_until(lambda: all(text in self.text for text in texts))

    async def notified(self, text: str) -> None:
        """Wait for a notification with a text."""
        await self.wait_until(lambda: any(text in message for message in self.notifications))


@contextlib.asynccontextmanager
async def run_app(
    runs: Path, size: tuple[int, int] = (80, 24), first: str = "studies", **session: Any
) -> AsyncIterator[Driver]:
    """The program on a screen of some size."""
    app = GenreTui(AppSession(runs, **session), first)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Driver(app, pilot)
