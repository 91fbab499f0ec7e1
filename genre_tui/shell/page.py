"""What all screens have: tabs above, keys below, a message where there is too little room."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from data.terminal.text import clean
from genre_tui.watch.messages import RunsSeen, RunUpdate
from genre_tui.widgets.key_bar import KeyLine
from genre_tui.widgets.tab_bar import Tabs

if TYPE_CHECKING:
    from experiments.runs.directory import RunDirectory
    from genre_tui.core.export_choices import Order
    from genre_tui.core.session import Session
    from genre_tui.model.run_model import RunModel
    from genre_tui.shell.base_app import BaseApp

LEAST_WIDTH, LEAST_HEIGHT = 60, 20


class Page(Screen[None]):
    """A screen behind a number key.

    Subclasses give `MODE` and `body`, and take in what they need with `runs_seen`,
    `run_changed` and `shown`. All text from files is made `clean` and shown as Text,
    never as markup.
    """

    MODE: ClassVar[str] = ""
    CHANGES: ClassVar[frozenset[str]] = frozenset()  # actions that are refused in a read-only look
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
        def app(self) -> BaseApp:  # type: ignore[override]
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
        yield KeyLine(self.CHANGES if self.session.read_only else ())

    def body(self) -> Iterable[Widget]:
        """The widgets between tabs and keys: one, whose id is "body"."""
        raise NotImplementedError

    def runs_seen(self, told: RunsSeen) -> None:
        """All runs, as they are now; also called when the screen is first shown."""

    def run_changed(self, model: RunModel | None, told: RunUpdate | None) -> None:
        """The run that is looked at has changed, or is another one.

        Args:
            model: of that run; None where none is chosen or it cannot be read.
            told: what is new of it; None where it is another run, or the screen comes
                to the front.
        """

    def shown(self) -> None:
        """The screen has come to the front."""

    def go_to(self, name: str) -> None:
        """Put the cursor on what is called so, such as a study that was picked by its name."""

    def on_mount(self) -> None:
        """Nothing yet: what is known is shown once the screen comes to the front."""

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Show what has come meanwhile."""
        self.catch_up()
        self.shown()

    def catch_up(self) -> None:
        """Take in what was told while another screen was in front."""
        self.app.update_notice()
        if self.app.runs is not None:
            self.runs_seen(self.app.runs)
        self.run_changed(self.app.model, None)

    def exportable(self) -> dict[str, str]:
        """What `e` can write beside a screenshot and the report: names and texts of files.

        Such as {"confusion.csv": "true,predicted,count..."}; empty where there is nothing.
        """
        return {}

    @property
    def reported(self) -> RunDirectory | None:
        """The run whose report `e` writes."""
        return self.session.run

    def copyable(self) -> str:
        """What `y` copies: the row, figure or command that the user looks at; "" for nothing."""
        return ""

    def say(self, sentence: str, *, problem: bool = False) -> None:
        """Tell the user something, in a corner, until there is more to tell or for some seconds."""
        self.app.clear_notifications()  # one at a time: they lie over what is shown
        self.app.notify(
            clean(sentence), severity="error" if problem else "information", markup=False
        )

    def write(self, path: Path, text: str) -> None:
        """Write a file, or say why not; in a browser let it download."""
        from data.errors import DataError
        from data.files.atomic import commit

        if self.app.is_web:
            import io

            self.app.deliver_text(io.StringIO(text), save_filename=path.name)
            return
        try:
            with commit(path) as temporary:
                temporary.write_text(text, encoding="utf-8")
        except DataError as error:
            self.say(str(error), problem=True)
        else:
            self.say(f"Wrote {path}.")

    def export(self, order: Order | None) -> None:
        """Write what was asked for with `e`."""
        if order is None:
            return
        if order.choice.kind == "text":
            self.write(order.path, order.choice.text)
        elif order.choice.kind == "picture":
            self.call_after_refresh(self._export_picture, order.path)
        elif order.choice.run is not None:
            self.say("Writing the report: this takes some seconds.")
            self._export_report(order, order.choice.run)

    def _export_picture(self, path: Path) -> None:
        """Once the dialog has gone."""
        from genre_tui.core.export_choices import without_network

        self.write(path, without_network(self.app.export_screenshot(title="genre-tui")))

    @work(thread=True, group="report")
    def _export_report(self, order: Order, run: RunDirectory) -> None:
        import tempfile

        from genre_tui.core.export_choices import report_arguments
        from genre_tui.core.subprocess_command import Command

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, order.path.name) if self.app.is_web else order.path
            command = Command(report_arguments(run, path, replaces=order.replaces))
            ended = command.run()
            if ended is not None and ended.problem:
                self.app.call_from_thread(self.say, ended.problem, problem=True)
            elif self.app.is_web:
                text = path.read_text(encoding="utf-8")
                self.app.call_from_thread(self.write, order.path, text)
            elif ended is not None:
                self.app.call_from_thread(self.say, f"Wrote {path}.")
