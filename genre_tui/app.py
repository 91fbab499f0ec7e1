"""The application: six screens over a folder of runs, and the threads that watch it.

It reads run directories and starts runs as processes of their own, which outlive it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import ClassVar

from textual import work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.css.query import NoMatches
from textual.screen import Screen

from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.lock import is_alive
from genre_tui.core.app_session import AppSession
from genre_tui.core.line_filters import SafeText, WithoutColour
from genre_tui.core.theme import DARK, LIGHT, STATE_GLYPH, theme_for
from genre_tui.model.run_model import RunModel
from genre_tui.shell.base_app import BaseApp
from genre_tui.shell.base_page import BasePage
from genre_tui.watch.messages import RunsListed, RunUpdate
from genre_tui.watch.run_watcher import RunWatcher
from genre_tui.watch.runs_watcher import RunsWatcher
from genre_tui.widgets.tab_bar import SCREENS, TabBar

_PAGES = {  # mode -> the module of its page
    "studies": "genre_tui.studies.screen",
    "runs": "genre_tui.runs.screen",
    "run": "genre_tui.run.screen",
    "confusion": "genre_tui.confusion.screen",
    "compare": "genre_tui.compare.screen",
    "data": "genre_tui.datasets.screen",
}
_PRELOAD_DELAY = 0.5  # seconds, after which the first screen is drawn
_MOST_BACK = 50  # length of the history of screens that Escape goes back through


def _page(mode: str, title: str) -> Callable[[], Screen[None]]:
    """A factory of a screen, which imports its module when the screen is first shown."""

    def make() -> Screen[None]:
        page: Screen[None] = getattr(import_module(_PAGES[mode]), f"{title}Page")()
        return page

    return make


def _palette() -> type[Provider]:
    from genre_tui.shell.palette_provider import PaletteProvider

    return PaletteProvider


class GenreTui(BaseApp):
    """The terminal UI; `first` is the mode of its first screen."""

    TITLE = "genre-tui"
    CSS_PATH = "genre_tui.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_palette}
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {
        mode: _page(mode, title) for _, mode, title in SCREENS
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key, f"go('{mode}')", title, show=False) for key, mode, title in SCREENS),
        Binding("escape", "back", "Back to the screen before", show=False),
        Binding("question_mark", "screen.keys", "Keys", key_display="?"),
        Binding("e", "screen.export", "Export"),
        Binding("y", "screen.copy", "Copy", show=False),
        Binding("ctrl+p", "command_palette", "Find a screen, run or study", show=False),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, session: AppSession, first: str = "studies", theme: str = "auto") -> None:
        super().__init__(session)
        self._first, self._before = first, list[str]()
        self._runs_watcher = RunsWatcher(session.runs, session.refresh, self.post_message)
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme_for(theme)
        if self.no_color:  # Textual's own filters leave greys, or the default colours' codes
            self._filters[:] = [WithoutColour()]
        self._filters.append(SafeText())

    async def on_mount(self) -> None:
        """Show the first screen, and start to watch the runs."""
        await self.switch_mode(self._first)
        self.call_after_refresh(self._runs_watcher.start)
        self.set_timer(_PRELOAD_DELAY, self._preload)
        if self.session.run is not None:
            self.open_run(self.session.run)

    @work(thread=True)
    def _preload(self) -> None:
        """Import the other screens, so that they open sooner."""
        for _, mode, _ in SCREENS:
            import_module(_PAGES[mode])

    def on_unmount(self) -> None:
        """Stop watching."""
        self._runs_watcher.stop()
        if self._runs_watcher.watched is not None:
            self._runs_watcher.watched.stop()

    def open_run(self, run: RunDirectory | None, trial: str | None = None) -> None:
        """Make a run the one that the screens Run, Confusion and Compare show."""
        if self._runs_watcher.watched is not None:
            self._runs_watcher.watched.stop()
            self._runs_watcher.watched = None
        self.session.run, self.session.trial, self.model = run, trial, None
        self.problem = ""
        if run is not None:
            try:
                self.model = RunModel(run)
            except (RunError, OSError) as error:
                self.problem = str(error)
                self._page.show_problem(self.problem)
            else:
                watcher = RunWatcher(run, self.session.refresh, self.post_message)
                self._runs_watcher.watched = watcher
                self.call_after_refresh(watcher.start)
        self._page.run_updated(self.model, None)

    def refresh_runs(self) -> None:
        """Read all runs again at once, such as after one was started or removed."""
        self._runs_watcher.read_now()

    def live_runs(self) -> list[RunDirectory]:
        """Runs of this folder that have a living process, as far as they have been read."""
        summaries = self.runs.summaries if self.runs else ()
        alive = [summary.run for summary in summaries if summary.is_alive]
        unlike = {run.path.resolve(): run for run in alive}
        if self.session.run is not None:
            unlike.setdefault(self.session.run.path.resolve(), self.session.run)
        return [run for run in unlike.values() if is_alive(run)]

    def on_runs_listed(self, update: RunsListed) -> None:
        """Store the summaries, and pass them to the current page."""
        self.runs = update
        self.update_notice()
        self._page.runs_updated(update)

    def on_run_update(self, update: RunUpdate) -> None:
        """Update the model of the open run, and the current page."""
        if self.model is None or update.run != self.model.run:
            return  # of the run that was open before
        self.model.handle(update)
        self._page.run_updated(self.model, update)

    def update_notice(self) -> None:
        """Show beside the tabs how many runs are running, and whether this is read-only."""
        summaries = self.runs.summaries if self.runs else ()
        count = sum(summary.is_alive for summary in summaries)
        limit = "read-only" if self.session.read_only else ""
        running = f"{limit} {STATE_GLYPH['running']} {count}".strip()
        notices = (f"{running} running", running) if count else ()
        try:
            self._page.query_one(TabBar).show_notices(*notices, limit)
        except NoMatches:
            return  # the page is not composed yet

    @property
    def _page(self) -> BasePage:
        """The current page, which a dialog may cover."""
        return next(
            screen for screen in reversed(self.screen_stack) if isinstance(screen, BasePage)
        )

    async def action_go(self, mode: str) -> None:
        """Show a screen."""
        if mode != self.current_mode:
            self._before = [*self._before[1 - _MOST_BACK :], self.current_mode]
        await self._show(mode)

    async def action_back(self) -> None:
        """Show the previous screen."""
        if self._before:
            await self._show(self._before.pop())

    async def _show(self, mode: str) -> None:
        with self.batch_update():
            while len(self.screen_stack) > 1:  # close dialogs
                await self.pop_screen()
            await self.switch_mode(mode)

    async def go_to(self, mode: str, name: str) -> None:
        """Show a screen and select the entry of that name there."""
        await self.action_go(mode)
        self.call_after_refresh(self._page.go_to, name)

    def delay_update(self, delay: float = 0.01) -> None:
        """Draw another screen after 0.01 s: Textual's 0.05 s are not needed here."""
        super().delay_update(delay)

    def get_key_display(self, binding: Binding) -> str:
        """A key's name as on a keyboard."""
        return "enter" if binding.key == "enter" else super().get_key_display(binding)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """None of Textual's: `PaletteProvider` has this program's own."""
        return ()
