"""All keys of a screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from data.terminal import table
from genre_tui.screens.dialog import Dialog
from genre_tui.screens.page import Page


class KeysDialog(Dialog[None]):
    """The keys of a page and those that work everywhere.

    Args:
        page: whose keys.
    """

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page

    def compose(self) -> ComposeResult:
        """A table."""
        rows: dict[str, str] = {}
        for source in (self._page.focused, self._page, self.app):
            if source is None:
                continue
            for bindings in source._bindings.key_to_bindings.values():
                for binding in bindings:
                    if isinstance(binding, Binding) and binding.description:
                        key = self.app.get_key_display(binding)
                        rows.setdefault(key, binding.tooltip or binding.description)
        with VerticalScroll(id="box"):
            yield Static(table(["key", "what it does"], list(rows.items()), left=2))
