"""Entries of the command palette: screens, runs, studies, colours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from genre_tui.core.theme import ANSI_DARK, DARK, LIGHT, STATE_GLYPH
from genre_tui.widgets.tab_bar import SCREENS

if TYPE_CHECKING:
    from genre_tui.shell.base_app import BaseApp
    from genre_tui.watch.run_summary import RunSummary

_COLOURS = {"dark": DARK.name, "light": LIGHT.name, "the terminal's own": ANSI_DARK}


@dataclass(frozen=True)
class _PaletteEntry:
    """An entry. Its texts are shown literally, never as markup."""

    name: str
    help: str
    action: IgnoreReturnCallbackType
    is_shown_first: bool = True  # before anything is typed

    def shown(self, letters: Sequence[int] = ()) -> Content:
        """Its name with underlined letters, and its help."""
        name = Content(self.name)
        for letter in letters:
            name = name.stylize("bold underline", letter, letter + 1)
        return Content.assemble(name, (f"\n{self.help}" if self.help else "", "dim"))


class PaletteProvider(Provider):
    """Finds screens, runs, studies, colours and actions by name."""

    async def discover(self) -> Hits:
        """Entries that are offered before anything is typed."""
        for command in self._commands():
            if command.is_shown_first:
                yield DiscoveryHit(command.shown(), command.action, command.name)

    async def search(self, query: str) -> Hits:
        """Entries whose names match a query."""
        matcher = self.matcher(query)
        for command in self._commands():
            score, letters = matcher.fuzzy_search.match(query, command.name)
            if score > 0:
                yield Hit(score, command.shown(letters), command.action, command.name)
            await asyncio.sleep(0)  # let keys be handled: there may be a thousand runs

    def _commands(self) -> Iterator[_PaletteEntry]:
        app = cast("BaseApp", self.app)
        for key, mode, title in SCREENS:
            yield _PaletteEntry(title, f"The screen, key {key}", partial(app.action_go, mode))
        yield _PaletteEntry(
            "Keys", "All keys of this screen, key ?", partial(app.run_action, "screen.keys")
        )
        export = partial(app.run_action, "screen.export")
        yield _PaletteEntry("Export", "Write a table, picture or report, key e", export)
        yield _PaletteEntry("Quit", "Runs go on, key q", app.action_quit)
        for name, theme in _COLOURS.items():
            set_theme = partial(setattr, app, "theme", theme)
            yield _PaletteEntry(f"Colours: {name}", "", set_theme, False)
        for summary in app.runs.summaries if app.runs else ():
            yield _PaletteEntry(
                f"Run {summary.study}/{summary.run.path.name}",
                f"{STATE_GLYPH[summary.state]} {summary.state} {summary.dataset}".rstrip(),
                partial(self._open_run, summary),
                is_shown_first=summary.is_alive,
            )
        from experiments.studies import STUDIES

        for study in STUDIES.values():
            action = partial(app.go_to, "studies", study.name)
            yield _PaletteEntry(f"Study {study.name}", study.question, action, False)

    async def _open_run(self, summary: RunSummary) -> None:
        app = cast("BaseApp", self.app)
        app.open_run(summary.run)
        await app.action_go("run")
