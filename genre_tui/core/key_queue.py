"""Keys that arrive at once, as over a slow line, are answered one after the other.

Textual hands a key to what has the focus, and runs what is bound to it when nobody on the way
up has taken it. Keys that come before that go where the focus was: of "/t" the t would not be
typed into the filter but stop a run.
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
_PATIENCE = 2.0  # seconds until the next key's turn, whatever has become of the one before


class KeyQueue(App[None]):
    """An application that hands out a key once the one before has been answered."""

    def __init__(self) -> None:
        super().__init__()
        self._typed = deque[events.Key | events.Paste]()  # that wait
        self._is_answering = False
        self._turn = 0  # counts up with each key that is handed out, and answered
        self._in_front: Screen[Any] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Let keys and pasted text wait for their turn."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
            return
        self._typed += _apart(event)
        if not self._is_answering:
            await self._hand_out(self._typed.popleft())

    async def _hand_out(self, event: events.Key | events.Paste) -> None:
        self._is_answering = True
        self._turn += 1
        self._in_front = self.screen
        # Twice, and each time back here: an answer may be a message that takes the same way,
        # and to move the focus is one to the application.
        way = deque[MessagePump]([*(self.focused or self.screen).ancestors_with_self, self] * 2)
        loop = asyncio.get_running_loop()
        self._alarm = loop.call_later(_PATIENCE, self.call_later, self._answered, self._turn)
        await super().on_event(event)
        await self._follow(way, self._turn)

    async def _follow(self, way: deque[MessagePump], turn: int) -> None:
        """Go through the queues of all that a key goes through, behind it."""
        if turn != self._turn:
            return
        while way:
            if way.popleft().call_later(self._follow, way, turn):  # else it is being closed
                return
        screen = self.screen if self.screen_stack else None
        if screen is None or screen is self._in_front:
            await self._answered(turn)
        else:  # which the key has opened: until its first widget has the focus
            self._in_front = screen
            await self._follow(deque((screen, self)), turn)

    async def _answered(self, turn: int) -> None:
        """The next key's turn."""
        if turn != self._turn:
            return
        self._turn += 1
        self._is_answering = False
        if self._alarm is not None:
            self._alarm.cancel()
        if self._typed and self.screen_stack:
            await self._hand_out(self._typed.popleft())


def _apart(event: events.Key | events.Paste) -> list[events.Key | events.Paste]:
    """Escape and a key that came at once look like that key with Alt, which means nothing here."""
    if not isinstance(event, events.Key) or not event.key.startswith(_ALT):
        return [event]
    key = event.character or event.key.removeprefix(_ALT)
    return [events.Key("escape", "\x1b"), events.Key(key, key if len(key) == 1 else None)]
