"""The application as its pages, dialogs and palette see it."""

from __future__ import annotations

from experiments.runs.directory import RunDirectory
from genre_tui.core.app_session import AppSession
from genre_tui.core.clipboard import ClipboardApp
from genre_tui.model.run_model import RunModel
from genre_tui.watch.messages import RunsListed


class BaseApp(ClipboardApp):
    """What pages, dialogs and the palette use of the application.

    `GenreTui` implements it: it imports the pages, which therefore cannot import it.
    """

    def __init__(self, session: AppSession) -> None:
        super().__init__()
        self.session = session
        self.runs: RunsListed | None = None  # summaries of all runs; None before they are read
        self.model: RunModel | None = None  # of the open run, `session.run`
        self.problem = ""  # why the open run cannot be read

    def open_run(self, run: RunDirectory | None, trial: str | None = None) -> None:
        """Make a run the one that the screens Run, Confusion and Compare show."""

    def refresh_runs(self) -> None:
        """Read all runs again at once, such as after one was started or removed."""

    def update_notice(self) -> None:
        """Show beside the tabs how many runs are running, and whether this is read-only."""

    async def go_to(self, mode: str, name: str) -> None:
        """Show a screen and select the entry of that name there."""

    async def action_go(self, mode: str) -> None:
        """Show a screen."""
