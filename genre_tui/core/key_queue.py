"""A queue of key presses: each is handled completely before the next is dispatched.

Textual sends a key to the focused widget, and runs the key's binding once the message has passed
all ancestors unhandled. Further keys that arrive before that, as over a slow line, would go to the
widget that had the focus then: of "/t" the t would not be typed into the filter but stop a run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen

_ALT = "alt+"
_TIMEOUT = 2.0  # seconds after which the next key is dispatched in any case


class KeyQueue(App[None]):
    """An application that dispatches a key once the one before has been handled."""

    def __init__(self) -> None:
        super().__init__()
        self._pending = deque[events.Key | events.Paste]()
        self._is_busy = False
        self._turn = 0  # counts up whenever a key is dispatched, and handled
        self._top_screen: Screen[Any] | None = None
        self._timeout: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Queue keys and pasted text; let other events pass."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
            return
        self._pending += _split_alt(event)
        if not self._is_busy:
            await self._dispatch(self._pending.popleft())

    async def _dispatch(self, event: events.Key | events.Paste) -> None:
        self._is_busy = True
        self._turn += 1
        self._top_screen = self.screen
        # Twice, and the application each time: handling a key may post a message that bubbles
        # up the same path, and moving the focus is a message to the application.
        path = deque[MessagePump]([*(self.focused or self.screen).ancestors_with_self, self] * 2)
        loop = asyncio.get_running_loop()
        self._timeout = loop.call_later(_TIMEOUT, self.call_later, self._handled, self._turn)
        await super().on_event(event)
        await self._follow(path, self._turn)

    async def _follow(self, path: deque[MessagePump], turn: int) -> None:
        """Pass through the message queue of each node on the key's path, behind the key."""
        if turn != self._turn:
            return
        while path:
            if path.popleft().call_later(
                self._follow, path, turn
            ):  # False where it is being closed
                return
        screen = self.screen if self.screen_stack else None
        if screen is None or screen is self._top_screen:
            await self._handled(turn)
        else:  # opened by the key: wait until its first widget has the focus
            self._top_screen = screen
            await self._follow(deque((screen, self)), turn)

    async def _handled(self, turn: int) -> None:
        """Dispatch the next key."""
        if turn != self._turn:
            return
        self._turn += 1
        self._is_busy = False
        if self._timeout is not None:
            self._timeout.cancel()
        if self._pending and self.screen_stack:
            await self._dispatch(self._pending.popleft())


def _split_alt(event: events.Key | events.Paste) -> list[events.Key | events.Paste]:
    """Alt and a key as Escape and that key: a terminal sends the same bytes for both."""
    if not isinstance(event, events.Key) or not event.key.startswith(_ALT):
        return [event]
    key = event.character or event.key.removeprefix(_ALT)
    return [events.Key("escape", "\x1b"), events.Key(key, key if len(key) == 1 else None)]
