"""Keys that arrive at once, as over a slow line: each is answered before the next."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.widget import Widget
from textual.widgets import Input

from genre_tui.runs.run_filter import FilterLine
from genre_tui.runs.screen import RunsPage
from tests.genre_tui.support.app_driver import Driver, run_app
from tests.genre_tui.support.live_run import live_run

KEYS = {"/": "slash", "\t": "tab", "\r": "enter", ":": "colon"}


def _at_once(user: Driver, text: str) -> None:
    for char in text:
        key = events.Key(KEYS.get(char, char), char)
        key.set_sender(user.app)
        user.app.post_message(key)


def test_a_filter_is_typed_and_stops_no_run(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path) as writer:
            async with run_app(tmp_path, first="runs") as user:
                await user.sees("ffn-baseline")
                _at_once(user, "/state:run")
                line = user.app.screen.query_one(FilterLine)
                await user.wait_until(lambda: line.value == "state:run")
                assert isinstance(user.app.screen, RunsPage)  # no dialog has come
                assert not user.notifications
                assert not writer.run.stop_is_asked

    asyncio.run(flow())


def test_pasted_text_comes_after_the_key_before_it(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path):
            async with run_app(tmp_path, first="runs") as user:
                await user.sees("ffn-baseline")
                _at_once(user, "/")
                user.app.post_message(events.Paste("a run"))
                _at_once(user, "s")
                line = user.app.screen.query_one(FilterLine)
                await user.wait_until(lambda: line.value == "a runs")

    asyncio.run(flow())


def test_a_form_is_filled_in_at_once(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.sees("optimizers")
            _at_once(user, "n\t\t2\t4\t")
            await user.wait_until(
                lambda: [one.value for one in user.app.screen.query(Input)][:2] == ["2", "4"]
            )

    asyncio.run(flow())


def test_keys_of_the_screen_that_an_earlier_key_has_opened(tmp_path: Path) -> None:
    async def flow() -> None:
        with live_run(tmp_path) as writer:
            writer.begin()
            async with run_app(tmp_path, first="studies") as user:
                await user.sees("optimizers")
                _at_once(user, "2\rm")  # Runs, the first run, its next metric
                await user.sees("accuracy %", writer.run.path.name)
                _at_once(user, "2/x1")
                await user.wait_until(lambda: user.app.screen.query(FilterLine))
                await user.wait_until(lambda: user.app.screen.query_one(FilterLine).value == "x1")

    asyncio.run(flow())


def test_escape_and_a_key_at_once_are_both_answered(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.sees("optimizers")
            await user.press("question_mark")
            await user.sees("Everywhere")
            user.app.post_message(events.Key("alt+2", "2"))  # as terminals send it
            await user.wait_until(lambda: user.app.current_mode == "runs")
            await user.press("question_mark")
            await user.sees("Turn the order round")
            user.app.post_message(events.Key("alt+shift+s", "S"))
            await user.wait_until(lambda: user.page(RunsPage)._turned)

    asyncio.run(flow())


def test_keys_go_on_when_what_had_the_focus_vanishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def flow() -> None:
        with live_run(tmp_path):
            async with run_app(tmp_path, first="runs") as user:
                await user.sees("ffn-baseline")
                focused = user.app.focused
                assert isinstance(focused, Widget)
                monkeypatch.setattr(focused, "call_later", lambda *about: True)  # and never does
                await user.press("1")
                await user.press("2")
                await user.wait_until(lambda: user.app.current_mode == "runs")
                monkeypatch.undo()
                await user.press("slash", "a")
                await user.wait_until(lambda: user.app.screen.query_one(FilterLine).value == "a")

    asyncio.run(flow())
