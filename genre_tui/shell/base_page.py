"""Base of the six pages: tab bar, body, key bar, messages and export."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from genre_tui.watch.messages import RunsListed, RunUpdate
from genre_tui.widgets.key_bar import KeyBar
from genre_tui.widgets.row_table import RowTable
from genre_tui.widgets.status_text import StatusText
from genre_tui.widgets.tab_bar import TabBar

if TYPE_CHECKING:
    from experiments.runs.directory import RunDirectory
    from genre_tui.core.app_session import AppSession
    from genre_tui.model.run_model import RunModel
    from genre_tui.shell.base_app import BaseApp
    from genre_tui.shell.export_dialog import ExportRequest

LEAST_WIDTH, LEAST_HEIGHT = 60, 20


class BasePage(Screen[None]):
    """A screen with a number key.

    Subclasses define `MODE` and `body`, and override `runs_updated`, `run_updated` and
    `activated` as they need. Text from files is shown as Text, never as markup; the
    application's `SafeText` filter makes it harmless.
    """

    MODE: ClassVar[str] = ""
    CHANGES: ClassVar[frozenset[str]] = frozenset()  # actions that are refused with --read-only
    # Least sizes in terminal cells, and the CSS classes that the page has from there on.
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
    BasePage #too-small { display: none; width: 1fr; height: 1fr; content-align: center middle; }
    BasePage.-tiny #body, BasePage.-low #body { display: none; }
    BasePage.-tiny #too-small, BasePage.-low #too-small { display: block; }
    """

    if TYPE_CHECKING:

        @property
        def app(self) -> BaseApp:  # type: ignore[override]
            """The application."""

    @property
    def session(self) -> AppSession:
        """What the screens share."""
        return self.app.session

    def compose(self) -> ComposeResult:
        """Tab bar, body, key bar."""
        yield TabBar(self.MODE)
        yield from self.body()
        yield Static(
            Text(f"This needs a terminal of {LEAST_WIDTH} x {LEAST_HEIGHT} at least."),
            id="too-small",
        )
        yield KeyBar(self.CHANGES if self.session.read_only else ())

    def body(self) -> Iterable[Widget]:
        """The widget between tab bar and key bar; its id is "body"."""
        raise NotImplementedError

    def runs_updated(self, update: RunsListed) -> None:
        """The runs have changed, or the page becomes the current one."""

    def run_updated(self, model: RunModel | None, update: RunUpdate | None) -> None:
        """The open run has changed, another one was opened, or the page becomes the current one.

        Args:
            model: None where no run is open, or it cannot be read.
            update: None where all of the run may be new.
        """

    def activated(self) -> None:
        """The page has become the current one."""

    @property
    def table(self) -> RowTable[Any]:
        """The table of the page's entries, where it has one."""
        return self.query_one(RowTable)

    def go_to(self, name: str) -> None:
        """Select the entry of that name, such as a study."""
        self.table.move_to(name)

    def on_screen_resume(self) -> None:
        """Show the current runs and the open run."""
        self.app.update_notice()
        if self.app.runs is not None:
            self.runs_updated(self.app.runs)
        self.run_updated(self.app.model, None)
        self.activated()

    def exportable(self) -> dict[str, str]:
        """Texts that the key `e` can write, by file name, such as {"confusion.csv": "true,..."}."""
        return {}

    @property
    def reported(self) -> RunDirectory | None:
        """The run that keys such as `e` (its report) and `t` (stop) act on, or None."""
        return self.session.run

    def copyable(self) -> str:
        """The text that the key `y` copies, such as the selected row; "" for none."""
        return ""

    def action_keys(self) -> None:
        """Show all keys of this screen."""
        from genre_tui.shell.keys_dialog import KeysDialog

        self.app.push_screen(KeysDialog(self, self.MODE))

    def action_copy(self) -> None:
        """Copy what `copyable` returns."""
        self.show_message(self.app.copy(self.copyable()))

    def put(self, selector: str, text: Text, *, layout: bool = False) -> None:
        """Set a StatusText; `layout`: its size may change."""
        self.query_one(selector, StatusText).set_text(text, layout=layout)

    def show_message(self, text: str, *, problem: bool = False) -> None:
        """Show a message in a corner for some seconds, instead of the one before."""
        self.app.clear_notifications()  # one at a time: they cover the page
        self.app.notify(text, severity="error" if problem else "information", markup=False)

    def show_problem(self, text: str) -> None:
        """Show an error message."""
        self.show_message(text, problem=True)

    def may_change(self, what: str) -> bool:
        """Whether anything may be changed; shows that nothing is, such as "started", if not."""
        if self.session.read_only:
            self.show_message(f"Started with --read-only: nothing is {what} here.")
        return not self.session.read_only

    def write(self, path: Path, text: str) -> None:
        """Write a file, or show why that failed; in a browser, download it."""
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
            self.show_problem(str(error))
        else:
            self.show_message(f"Wrote {path}.")

    def action_export(self) -> None:
        """Open the export dialog."""
        from genre_tui.shell.export_dialog import ExportDialog, choices

        offered = choices(self.MODE, self.exportable(), self.reported)
        self.app.push_screen(ExportDialog(offered, is_download=self.app.is_web), self._export)

    def _export(self, request: ExportRequest | None) -> None:
        """Write the file that the export dialog returned."""
        if request is None:
            return
        if request.choice.text is not None:
            self.write(request.path, request.choice.text)
        elif request.choice.run is not None:
            self.show_message("Writing the report: this takes some seconds.")
            self._export_report(request, request.choice.run)
        else:
            self.call_after_refresh(self._export_picture, request.path)

    def _export_picture(self, path: Path) -> None:
        """Write a screenshot; called once the dialog is closed."""
        from genre_tui.shell.export_dialog import without_network

        self.write(path, without_network(self.app.export_screenshot(title="genre-tui")))

    @work(thread=True, group="report")
    def _export_report(self, request: ExportRequest, run: RunDirectory) -> None:
        import tempfile

        from genre_tui.core.subprocess_command import SubprocessCommand

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, request.path.name) if self.app.is_web else request.path
            words = ["experiments", "report", str(run.path.absolute()), "-o", str(path.absolute())]
            # A process of its own: it needs packages that are not loaded here.
            ended = SubprocessCommand([*words, *["--replace"] * request.replaces]).run()
            if ended is not None and ended.problem:
                self.app.call_from_thread(self.show_problem, ended.problem)
            elif self.app.is_web:
                text = path.read_text(encoding="utf-8")
                self.app.call_from_thread(self.write, request.path, text)
            elif ended is not None:
                self.app.call_from_thread(self.show_message, f"Wrote {path}.")
