"""What the command palette finds: screens, runs, studies, colours."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from data.terminal.text import clean
from genre_tui.core.theme import ANSI_DARK, DARK, LIGHT, STATE_GLYPH
from genre_tui.widgets.tab_bar import SCREENS

if TYPE_CHECKING:
    from genre_tui.shell.base_app import BaseApp
    from genre_tui.watch.run_summary import RunSummary

_COLOURS = {"dark": DARK.name, "light": LIGHT.name, "the terminal's own": ANSI_DARK}


@dataclass(frozen=True)
class _Command:
    """Something to pick. Its texts are clean, and shown as they are, never as markup."""

    name: str
    help: str
    does: IgnoreReturnCallbackType
    is_shown_first: bool = True  # before anything was typed

    def shown(self, letters: Sequence[int] = ()) -> Content:
        """Its name, letters of it underlined, and what it is."""
        name = Content(self.name)
        for letter in letters:
            name = name.stylize("bold underline", letter, letter + 1)
        return Content.assemble(name, (f"\n{self.help}" if self.help else "", "dim"))


class Palette(Provider):
    """Screens, runs by their names, studies, and what keys do everywhere."""

    async def discover(self) -> Hits:
        """What is offered before anything was typed."""
        for command in self._commands():
            if command.is_shown_first:
                yield DiscoveryHit(command.shown(), command.does, command.name)

    async def search(self, query: str) -> Hits:
        """What has the letters of a query in its name."""
        matcher = self.matcher(query)
        for command in self._commands():
            score, letters = matcher.fuzzy_search.match(query, command.name)
            if score > 0:
                yield Hit(score, command.shown(letters), command.does, command.name)
            await asyncio.sleep(0)  # keys first: there may be a thousand runs

    def _commands(self) -> Iterator[_Command]:
        app = cast("BaseApp", self.app)
        for key, mode, title in SCREENS:
            yield _Command(title, f"The screen, key {key}", partial(app.action_go, mode))
        yield _Command("Keys", "All keys of this screen, key ?", app.action_keys)
        yield _Command("Export", "Write a table, picture or report, key e", app.action_export)
        yield _Command("Quit", "Runs go on, key q", app.action_quit)
        for name, theme in _COLOURS.items():
            yield _Command(f"Colours: {name}", "", partial(setattr, app, "theme", theme), False)
        for summary in app.runs.summaries if app.runs else ():
            yield _Command(
                f"Run {summary.study}/{clean(summary.run.path.name)}",
                f"{STATE_GLYPH[summary.state]} {summary.state} {summary.dataset}".rstrip(),
                partial(self._look_at, summary),
                is_shown_first=summary.is_alive,
            )
        from experiments.studies import STUDIES

        for study in STUDIES.values():
            does = partial(app.go_to, "studies", study.name)
            yield _Command(f"Study {study.name}", study.question, does, False)

    async def _look_at(self, summary: RunSummary) -> None:
        app = cast("BaseApp", self.app)
        app.open_run(summary.run)
        await app.action_go("run")
