"""The application: six screens over a folder of runs, and the threads that watch it.

It reads run directories and starts runs as processes of their own: when it ends, or its
terminal goes, nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

from experiments.errors import RunError
from experiments.records import RunDirectory
from genre_tui.messages import RunsSeen, RunTold
from genre_tui.model import RunModel
from genre_tui.screens.page import Page
from genre_tui.session import Session
from genre_tui.watch_run import RunWatcher
from genre_tui.watch_runs import RunsWatcher
from genre_tui.widgets.tabs import SCREENS


def _page(mode: str, title: str) -> Callable[[], Screen[None]]:
    """Makes a screen when it is first asked for: what nobody looks at is not imported."""

    def make() -> Screen[None]:
        page: Screen[None] = getattr(import_module(f"genre_tui.screens.{mode}"), f"{title}Page")()
        return page

    return make


class GenreTui(App[None]):
    """The terminal UI.

    Args:
        session: which runs, which data, what may be done.
        first: mode of the screen to begin with.
    """

    TITLE = "genre-tui"
    CSS_PATH = "genre_tui.tcss"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        mode: _page(mode, title) for _, mode, title in SCREENS
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"go('{mode}')", title, show=False) for key, mode, title in SCREENS),
        Binding("question_mark", "keys", "Keys", key_display="?"),
        Binding("e", "export", "Export"),
        Binding("y", "copy", "Copy", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, session: Session, first: str = "studies") -> None:
        super().__init__()
        self.session = session
        self.runs_told: RunsSeen | None = None
        self.model: RunModel | None = None
        self._first = first
        self._runs_watcher = RunsWatcher(session.runs, session.refresh, self.post_message)
        self._run_watcher: RunWatcher | None = None

    async def on_mount(self) -> None:
        """Go to the first screen, and begin to look."""
        await self.switch_mode(self._first)
        self._runs_watcher.start()
        if self.session.run is not None:
            self.look_at(self.session.run)

    def on_unmount(self) -> None:
        """Look no more."""
        self._runs_watcher.stop()
        if self._run_watcher is not None:
            self._run_watcher.stop()

    def look_at(self, run: RunDirectory | None, trial: str | None = None) -> None:
        """Make a run the one that the screens Run, Confusion and Compare are about."""
        if self._run_watcher is not None:
            self._run_watcher.stop()
            self._run_watcher = None
        self.session.run, self.session.trial, self.model = run, trial, None
        if run is not None:
            try:
                self.model = RunModel(run)
            except (RunError, OSError) as error:
                self._page.say(str(error), problem=True)
            else:
                watcher = RunWatcher(run, self.session.refresh, self.post_message)
                self._run_watcher = watcher
                watcher.start()
        self._page.run_changed(self.model, None)

    def look_now(self) -> None:
        """Look at all runs at once, such as after one was started or removed."""
        self._runs_watcher.look_now()

    def on_runs_seen(self, told: RunsSeen) -> None:
        """Keep it, and tell the screen in front."""
        self.runs_told = told
        self._page.runs_seen(told)

    def on_run_told(self, told: RunTold) -> None:
        """Take it in, and tell the screen in front."""
        if self.model is None or told.run != self.model.run:
            return  # of the run that was looked at before
        self.model.take(told)
        self._page.run_changed(self.model, told)

    @property
    def _page(self) -> Page:
        """The page in front, or behind a dialog."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, Page))

    async def action_go(self, mode: str) -> None:
        """Go to a screen."""
        while len(self.screen_stack) > 1:  # close dialogs
            await self.pop_screen()
        await self.switch_mode(mode)

    def action_keys(self) -> None:
        """Show all keys of this screen."""
        from genre_tui.screens.keys import KeysDialog

        self.push_screen(KeysDialog(self._page))

    def action_export(self) -> None:
        """Ask what to write, and where."""
        from genre_tui.screens.export import ExportDialog

        self.push_screen(ExportDialog(self._page))

    def action_copy(self) -> None:
        """Copy what the screen offers to the user's own clipboard, over SSH, too."""
        text = self._page.copyable()
        if not text:
            self._page.say("There is nothing to copy here.")
            return
        self.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self._page.say(f"Copied {f'{lines} lines' if lines > 1 else text[:60]}.")
