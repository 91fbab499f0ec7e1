"""Base of the dialogs: a box over a page, closed with Escape."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

if TYPE_CHECKING:
    from genre_tui.shell.base_app import BaseApp

Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None], Generic[Result]):
    """A dialog whose content is one widget with the id "box"; its result is None on Escape."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > #box {
        width: auto; max-width: 90%; height: auto; max-height: 90%;
        padding: 0 1; border: round $accent; background: $surface;
    }
    Dialog > #box.wide { width: 90%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    if TYPE_CHECKING:

        @property
        def app(self) -> BaseApp:  # type: ignore[override]
            """The application."""

    def action_close(self) -> None:
        """Close it without a result."""
        self.dismiss(None)
