"""What all screens have: tabs above, keys below, a message where there is too little room."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from data.terminal import clean
from genre_tui.messages import RunsSeen, RunTold
from genre_tui.widgets.tabs import Tabs

if TYPE_CHECKING:
    from genre_tui.app import GenreTui
    from genre_tui.model import RunModel
    from genre_tui.session import Session

LEAST_WIDTH, LEAST_HEIGHT = 60, 20


class Page(Screen[None]):
    """A screen behind a number key.

    Subclasses give `MODE` and `body`, and take in what they need with `runs_seen`,
    `run_changed` and `shown`. All text from files is made `clean` and shown as Text,
    never as markup.
    """

    MODE: ClassVar[str] = ""
    # Where a column more or less of room changes what is shown.
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - as Textual declares it
        (0, "-tiny"),
        (LEAST_WIDTH, "-narrow"),
        (110, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-low"),
        (LEAST_HEIGHT, "-short"),
        (35, "-tall"),
    ]
    DEFAULT_CSS = """
    Page #too-small { display: none; width: 1fr; height: 1fr; content-align: center middle; }
    Page.-tiny #body, Page.-low #body { display: none; }
    Page.-tiny #too-small, Page.-low #too-small { display: block; }
    """

    if TYPE_CHECKING:

        @property
        def app(self) -> GenreTui:  # type: ignore[override]
            """The application."""

    @property
    def session(self) -> Session:
        """What the screens share."""
        return self.app.session

    def compose(self) -> ComposeResult:
        """Tabs, the body, keys."""
        yield Tabs(self.MODE)
        yield from self.body()
        yield Static(
            Text(f"This needs a terminal of {LEAST_WIDTH} x {LEAST_HEIGHT} at least."),
            id="too-small",
        )
        yield Footer(compact=True)

    def body(self) -> Iterable[Widget]:
        """The widgets between tabs and keys: one, whose id is "body"."""
        raise NotImplementedError

    def runs_seen(self, told: RunsSeen) -> None:
        """All runs, as they are now; also called when the screen is first shown."""

    def run_changed(self, model: RunModel | None, told: RunTold | None) -> None:
        """The run that is looked at has changed, or is another one.

        Args:
            model: of that run; None where none is chosen or it cannot be read.
            told: what is new of it; None where it is another run, or the screen comes
                to the front.
        """

    def shown(self) -> None:
        """The screen has come to the front."""

    def on_mount(self) -> None:
        """Show what is known already."""
        self.catch_up()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Show what has come meanwhile."""
        self.catch_up()
        self.shown()

    def catch_up(self) -> None:
        """Take in what was told while another screen was in front."""
        if self.app.runs_told is not None:
            self.runs_seen(self.app.runs_told)
        self.run_changed(self.app.model, None)

    def exportable(self) -> dict[str, str]:
        """What `e` can write beside a screenshot and the report: names and texts of files.

        Such as {"confusion.csv": "true,predicted,count..."}; empty where there is nothing.
        """
        return {}

    def copyable(self) -> str:
        """What `y` copies: the row, figure or command that the user looks at; "" for nothing."""
        return ""

    def say(self, sentence: str, *, problem: bool = False) -> None:
        """Tell the user something, in a corner, for some seconds."""
        self.app.notify(
            clean(sentence), severity="error" if problem else "information", markup=False
        )

    def write(self, path: Path, text: str) -> None:
        """Write a file, or say why not."""
        from data.errors import DataError
        from data.files import commit

        try:
            with commit(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except DataError as error:
            self.say(str(error), problem=True)
        else:
            self.say(f"Wrote {path}.")
