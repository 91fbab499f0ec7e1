"""What is around the screens: tabs, keys, dialogs, the palette, copy."""

import asyncio
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.widgets import OptionList

from experiments.runs.directory import RunDirectory
from experiments.runs.lock import hold_run_lock
from experiments.runs.removal import remove
from genre_tui.shell.base_page import BasePage
from genre_tui.shell.keys_dialog import KeysDialog
from genre_tui.widgets.key_bar import KeyBar
from genre_tui.widgets.tab_bar import SCREENS, TabBar
from tests.conftest import record_run
from tests.genre_tui.support.app_driver import SIZES, Driver, run_app
from tests.support import raw_records

pytestmark = pytest.mark.usefixtures("own_folder")


def _mode(user: Driver) -> str:
    return user.page(BasePage).MODE


@SIZES
def test_each_number_is_a_screen_and_escape_goes_back(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, size) as user:
            assert _mode(user) == "studies"
            for key, mode, _ in SCREENS[1:]:
                await user.press(key)
                assert _mode(user) == mode
            for _, mode, _ in reversed(SCREENS[:-1]):
                await user.press("escape")
                assert _mode(user) == mode
            await user.press("escape")  # there is nothing before the first one
            assert _mode(user) == "studies"
            await user.press("6", "6", "escape")
            assert _mode(user) == "studies"

    asyncio.run(flow())


def test_tabs_fit_and_are_clicked(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (60, 20)) as user:
            first = user.text.splitlines()[0]
            assert all(f"{key} {title}" in first for key, _, title in SCREENS)
            for key, mode, title in SCREENS:
                place = user.text.splitlines()[0].index(f"{key} {title}")
                await user.pilot.click(TabBar, offset=(place, 0))
                await user.pilot.pause()
                assert _mode(user) == mode

    asyncio.run(flow())


def test_keys_that_do_not_fit_are_left_out_whole(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (60, 20), first="runs") as user:
            await user.sees("? Keys", "q Quit")
            line = user.text.splitlines()[-1]
            shown = [binding for binding in type(user.page(BasePage)).BINDINGS if binding.show]
            own = [binding.description for binding in shown if binding.description in line]
            assert own == [binding.description for binding in shown][: len(own)]
            assert 0 < len(own) < len(shown)
            await user.pilot.click(KeyBar, offset=(line.index("Keys"), 0))
            await user.pilot.pause()
            assert isinstance(user.app.screen, KeysDialog)

    asyncio.run(flow())


def test_all_keys_are_in_the_dialog(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (100, 60)) as user:
            for key, mode, title in SCREENS:
                await user.press(key, "question_mark")
                assert isinstance(user.app.screen, KeysDialog), mode
                await user.sees("Keys", title, "Everywhere", "Export", "Quit", "Copy")
                for binding in type(user.page(BasePage)).BINDINGS:
                    assert (binding.tooltip or binding.description) in user.text, mode
                await user.press("question_mark")
                assert user.app.screen is user.page(BasePage)
            for end in ("escape", "q", "enter"):
                await user.press("question_mark", end)
                assert user.app.screen is user.page(BasePage)
            assert user.app.is_running

    asyncio.run(flow())


def test_keys_scroll_where_there_is_little_room(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (60, 20)) as user:
            await user.press("question_mark")
            await user.sees("Studies", "New run")
            assert "Confusion" not in "\n".join(user.text.splitlines()[1:])
            await user.press("end")
            await user.sees("Find a screen, run or study")

    asyncio.run(flow())


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
def test_quit(tmp_path: Path, key: str) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.pilot.press(key)
            await user.pilot.pause()
            assert not user.app.is_running
            assert user.app.return_code == 0

    asyncio.run(flow())


@pytest.mark.parametrize("size", [(59, 20), (60, 19), (20, 5)])
def test_too_little_room_is_said_and_goes_when_there_is_more(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def flow() -> None:
        async with run_app(tmp_path, (80, 24)) as user:
            await user.sees("ffn-baseline")
            await user.pilot.resize_terminal(*size)
            await user.wait_until(lambda: "ffn-baseline" not in user.text)
            assert "60" in user.text
            await user.pilot.resize_terminal(60, 20)
            await user.sees("ffn-baseline")
            await user.pilot.resize_terminal(140, 45)
            await user.sees("ffn-baseline")
            assert "This needs" not in user.text

    asyncio.run(flow())


def test_what_goes_on_is_said_beside_the_tabs(tmp_path: Path) -> None:
    run = record_run(tmp_path)
    record_run(tmp_path, "20260102T030405Z-def456")

    async def flow() -> None:
        async with run_app(tmp_path, read_only=True, refresh=0.1) as user:
            await user.sees("read-only")
            assert "running" not in user.text.splitlines()[0]
            assert user.app.live_runs() == []
            with hold_run_lock(run, print):
                user.app.refresh_runs()
                await user.wait_until(lambda: "1 running" in user.text.splitlines()[0])
                assert user.app.live_runs() == [run]
                await user.press("6")
                assert "1 running" in user.text.splitlines()[0]
            user.app.refresh_runs()
            await user.wait_until(lambda: "running" not in user.text.splitlines()[0])
            assert user.app.live_runs() == []

    asyncio.run(flow())


def test_a_run_that_is_damaged_or_goes_is_told(tmp_path: Path) -> None:
    run = record_run(tmp_path)

    async def flow() -> None:
        async with run_app(tmp_path, first="run", run=run, refresh=0.1) as user:
            await user.wait_until(lambda: user.app.model is not None)
            (run.path / "run.json").write_text("{")
            user.app.open_run(run)
            assert user.app.model is None
            await user.sees("damaged")
            for key in "123456":
                await user.press(key)
            remove(run)
            user.app.refresh_runs()
            for key in "123456":
                await user.press(key)
            assert user.app.is_running

    asyncio.run(flow())


def test_copy(tmp_path: Path) -> None:
    async def flow() -> None:
        async with run_app(tmp_path) as user:
            await user.press("y")
            assert user.app.clipboard == user.page(BasePage).copyable() != ""
            await user.sees("Copied: python -m experiments run")
            user.page(BasePage).copyable = lambda: ""  # type: ignore[method-assign]
            await user.press("y")
            await user.sees("There is nothing to copy here.")
            user.page(BasePage).copyable = lambda: "a\nb"  # type: ignore[method-assign]
            await user.press("y")
            await user.sees("Copied: 2 lines")

    asyncio.run(flow())


def test_palette_finds_runs_studies_and_screens(tmp_path: Path) -> None:
    record_run(tmp_path)
    markup = RunDirectory(tmp_path / "[red]x" / "20260302T030405Z-[@click]f")
    raw_records.write_run(markup, raw_records.read_run(record_run(tmp_path)))

    async def flow() -> None:
        async with run_app(tmp_path, (100, 40)) as user:
            await user.wait_until(lambda: user.app.runs and user.app.runs.complete)
            await user.press("ctrl+p")
            await user.sees("Studies", "The screen, key 1", "All keys of this screen")
            await user.press("escape")
            await _pick(user, "optimiz", "Study optimizers")
            await user.wait_until(lambda: _mode(user) == "studies")
            await user.wait_until(lambda: "run optimizers" in user.page(BasePage).copyable())
            await _pick(user, "abc123", "Run ffn-baseline/20260102T030405Z-abc123")
            await user.wait_until(lambda: _mode(user) == "run")
            assert user.app.session.run is not None
            assert user.app.session.run.path.name == "20260102T030405Z-abc123"
            await _pick(user, "red", "Run [red]x/20260302T030405Z-[@click]f")
            await user.wait_until(lambda: user.app.session.run == markup)
            await _pick(user, "colours: light", "Colours: light")
            await user.wait_until(lambda: user.app.theme == "genre-light")
            await _pick(user, "keys", "Keys")
            await user.wait_until(lambda: isinstance(user.app.screen, KeysDialog))

    asyncio.run(flow())


async def _pick(user: Driver, typed: str, name: str) -> None:
    """Find a command, and choose it once it is the one that is offered."""
    await user.press("ctrl+p")
    await user.wait_until(lambda: isinstance(user.app.screen, CommandPalette))
    await user.type(typed)

    def offered() -> str:
        found = user.app.screen.query_one(OptionList)
        if not found.option_count or found.highlighted is None:
            return ""
        return str(found.get_option_at_index(found.highlighted).prompt).splitlines()[0]

    await user.wait_until(lambda: offered() == name)
    assert name in user.text
    await user.press("enter")
