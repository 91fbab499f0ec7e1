"""The bottom line: keys and their actions, as many as fit."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget

_GAP = 2  # columns between two keys


class KeyBar(Widget):
    """Keys of the focused widget and of the screen, then those that work everywhere.

    Where room is short the screen's last keys are left out; `?` shows all. A click on a key
    presses it. Keys of `hidden` actions are left out.
    """

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $panel; color: $foreground; }
    KeyBar > .key-bar--key { color: $accent; text-style: bold; }
    KeyBar:ansi > .key-bar--key { color: ansi_default; text-style: bold reverse; }
    KeyBar:ansi { background: ansi_default; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-bar--key"}

    def __init__(self, hidden: Collection[str] = ()) -> None:
        super().__init__()
        self._hidden = hidden
        self._keys: list[tuple[str, str, str]] = []  # as pressed, as shown, what it does
        self._everywhere = 0  # number of keys at the end that work everywhere
        self._places: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Subscribe to changes of the active bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        before = self._keys
        own: list[tuple[str, str, str]] = []
        everywhere: list[tuple[str, str, str]] = []
        actions = set(self._hidden)
        for node, binding, enabled, _ in screen.active_bindings.values():
            if binding.show and binding.description and enabled and binding.action not in actions:
                actions.add(binding.action)
                key = (binding.key, self.app.get_key_display(binding), binding.description)
                (everywhere if node is self.app else own).append(key)
        self._keys, self._everywhere = own + everywhere, len(everywhere)
        if self._keys != before:
            self.refresh()

    def render(self) -> Text:
        """The keys that fit."""
        style = self.get_component_rich_style("key-bar--key", partial=True)
        text, self._places = Text(" ", no_wrap=True, end=""), []
        for key, shown, what in self._fitting():
            begin = text.cell_len
            text.append(shown, style).append(f" {what}")
            self._places.append((begin, text.cell_len, key))
            text.append(" " * _GAP)
        text.truncate(self.size.width)
        return text

    def _fitting(self) -> list[tuple[str, str, str]]:
        """All keys, without the screen's last ones that do not fit."""
        keys, own = list(self._keys), len(self._keys) - self._everywhere
        room = self.size.width - 1 + _GAP
        while own and sum(len(shown) + len(what) + 1 + _GAP for _, shown, what in keys) > room:
            own -= 1
            del keys[own]
        return keys

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        for begin, end, key in self._places:
            if begin <= event.x < end:
                self.app.simulate_key(key)
