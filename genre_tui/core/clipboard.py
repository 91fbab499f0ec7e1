"""The key `y`: text is copied to the user's clipboard, which also works over SSH."""

from __future__ import annotations

from data.terminal.text import clean
from genre_tui.core.key_queue import KeyQueue
from genre_tui.core.short_names import shortened


class ClipboardApp(KeyQueue):
    """An application that copies text without control characters.

    A shell would act on them when they are pasted.
    """

    def copy_to_clipboard(self, text: str) -> None:
        """Copy a text, without control characters."""
        super().copy_to_clipboard(clean(text, keep="\n\t"))

    def copy(self, text: str) -> str:
        """Copy a text; returns a message about it for the user."""
        if not text:
            return "There is nothing to copy here."
        self.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        return f"Copied: {f'{lines} lines' if lines > 1 else shortened(text, 60)}"
