"""The dialog with all keys of a page."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from genre_tui.shell.dialogs import Dialog
from genre_tui.widgets.tab_bar import SCREENS

# Descriptions of Textual's own bindings; those of "" are left out.
_DESCRIPTIONS = {
    "app.focus_next": "Next part of the screen",
    "app.focus_previous": "Part of the screen before",
    **dict.fromkeys(("scroll_left", "scroll_right", "page_left", "page_right"), ""),
    "screen.copy_text": "",
}


class KeysDialog(Dialog[None]):
    """The keys of a page and those that work everywhere."""

    DEFAULT_CSS = """
    KeysDialog > #box > Static { width: auto; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,q,enter", "close", "Close", show=False),
        *(Binding(key, f"app.go('{mode}')", title, show=False) for key, mode, title in SCREENS),
    ]

    def __init__(self, page: Screen[None], mode: str) -> None:
        super().__init__()
        self._page, self._mode = page, mode

    def compose(self) -> ComposeResult:
        """Actions and their keys, the page's first."""
        with VerticalScroll(id="box") as box:
            box.border_title = Text("Keys")
            box.border_subtitle = Text("Escape closes")
            yield Static(self._text())

    def _text(self) -> Text:
        here, everywhere = self._keys()
        width = max(map(len, [*here.values(), *everywhere.values()]), default=0)
        title = next(title for _, mode, title in SCREENS if mode == self._mode)
        text = Text()
        for head, keys in ((title, here), ("Everywhere", everywhere)):
            if keys:
                text.append(f"{head}\n", "bold")
            for what, key in keys.items():
                text.append(f"  {key.ljust(width)}", "bold").append(f"  {what}\n")
        text.rstrip()
        return text

    def _keys(self) -> tuple[dict[str, str], dict[str, str]]:
        """Keys by what they do: of the page and its widgets, and of the application."""
        own: dict[str, str] = {}
        of_widgets: dict[str, str] = {}
        everywhere: dict[str, str] = {}
        for node, binding, _, tooltip in self._page.active_bindings.values():
            what = _DESCRIPTIONS.get(binding.action, tooltip or binding.description)
            if what and not binding.system:
                is_own = node is self._page and binding.action not in _DESCRIPTIONS
                keys = everywhere if node is self.app else own if is_own else of_widgets
                key = self.app.get_key_display(binding)
                keys[what] = f"{keys[what]} {key}" if what in keys else key
        return {**own, **of_widgets}, everywhere
